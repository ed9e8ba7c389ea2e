"""Definition: a marshalled graph, the form in which daemons take and give graphs.

It is a list of serialised ops, inputs before users, whose last entry (the terminal) only points at
the op and the output that the whole is about; metadata for each op by its digest; and a source
map.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO

from google.protobuf.message import DecodeError

from llb.pb import ops_pb2 as pb
from llb.platform import Platform

_OP = b"\x0a"
"""What comes before an op: the number of the field, and "bytes of this length follow"."""
_ENTRY = b"\x12"
"""The same before an entry of `metadata`, and inside that before its value. Its key has 1."""
_KEY = b"\x0a"


class InvalidDefinition(ValueError):
    """The bytes or the message are not a definition that can be used."""


@dataclass(frozen=True, slots=True)
class DecodedOp:
    """One op of a Definition. `message` and `metadata` are copies, the reader's to keep."""

    digest: str
    message: pb.Op
    metadata: pb.OpMetadata

    @property
    def kind(self) -> str:
        """`source`, `exec`, `file`, `merge`, `diff`, `passthrough`, `build`, or `terminal`."""
        return self.message.WhichOneof("op") or "terminal"

    @property
    def inputs(self) -> tuple[tuple[str, int], ...]:
        """The edges that the op reads: the digest of an op and the number of one of its outputs."""
        return tuple((edge.digest, edge.index) for edge in self.message.inputs)

    @property
    def name(self) -> str:
        """The name given to the op; empty if it has none."""
        return self.metadata.description.get("llb.customname", "")


class Metadata(Mapping[str, pb.OpMetadata]):
    """Metadata of ops by their digests, kept as bytes: a message takes ten times as much.

    A message that is asked for is the reader's to keep.
    """

    __slots__ = ("_packed", "_same")

    def __init__(self, given: Mapping[str, pb.OpMetadata] | None = None) -> None:
        self._packed: dict[str, bytes] = {}
        self._same: dict[bytes, bytes] = {}
        for digest, message in (given or {}).items():
            self.put(digest, message)

    def put(self, digest: str, message: pb.OpMetadata) -> None:
        """Keep a copy of a message as an op's. Ops without names say the same, kept once."""
        data = message.SerializeToString(deterministic=True)
        self._packed[digest] = data if message.description else self._same.setdefault(data, data)

    def packed(self, digest: str) -> bytes:
        """A message's bytes. Raises KeyError."""
        return self._packed[digest]

    def __getitem__(self, digest: str) -> pb.OpMetadata:
        return pb.OpMetadata.FromString(self._packed[digest])

    def __contains__(self, digest: object) -> bool:
        return digest in self._packed

    def __iter__(self) -> Iterator[str]:
        return iter(self._packed)

    def __len__(self) -> int:
        return len(self._packed)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Definition:
    """A marshalled graph. `raw` holds the ops' bytes, the terminal's last; no ops mean scratch.

    The message in `source` belongs to the definition: do not change it.
    """

    raw: tuple[bytes, ...] = ()
    metadata: Mapping[str, pb.OpMetadata] = field(default_factory=Metadata)
    source: pb.Source | None = None

    @classmethod
    def from_pb(cls, message: pb.Definition) -> "Definition":
        """Take over a message. The ops' bytes are kept as they are."""
        metadata = Metadata(message.metadata)
        source = None
        if message.HasField("Source"):
            source = pb.Source()
            source.CopyFrom(message.Source)
        return cls(tuple(getattr(message, "def")), metadata, source)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Definition":
        """Read a serialised `pb.Definition`. Raises InvalidDefinition."""
        try:
            return cls.from_pb(pb.Definition.FromString(data))
        except DecodeError as error:
            raise InvalidDefinition(f"these bytes are not a definition: {error}") from error

    def to_pb(self) -> pb.Definition:
        """Return a new message that holds this definition."""
        message = pb.Definition(metadata=self.metadata)
        getattr(message, "def").extend(self.raw)
        if self.source is not None:
            message.Source.CopyFrom(self.source)
        return message

    def to_bytes(self) -> bytes:
        """Serialise it; the same definition always gives the same bytes.

        Part by part, in the order of the fields' numbers: nothing is copied into one message first.
        """
        given = self.metadata
        metadata = given if isinstance(given, Metadata) else Metadata(given)
        last = b""
        if self.source is not None:
            last = pb.Definition(Source=self.source).SerializeToString(deterministic=True)
        out = BytesIO()
        # A buffer that grows takes half as much again.
        size = sum(len(part) for part in self._parts(metadata)) + len(last)
        if size:
            out.seek(size - 1)
            out.write(b"\0")
            out.seek(0)
        out.writelines(self._parts(metadata))
        out.write(last)
        return out.getvalue()

    def _parts(self, metadata: Metadata) -> Iterator[bytes]:
        for data in self.raw:
            yield _OP
            yield varint(len(data))
            yield data
        for digest in sorted(metadata):
            key, value = digest.encode(), metadata.packed(digest)
            entry = b"".join((_KEY, varint(len(key)), key, _ENTRY, varint(len(value)), value))
            yield _ENTRY
            yield varint(len(entry))
            yield entry

    @property
    def is_empty(self) -> bool:
        """Say whether this is the empty filesystem, which no daemon solves."""
        return not self.raw

    @property
    def digests(self) -> tuple[str, ...]:
        """The ops' digests in the order of `raw`, the terminal's last."""
        return tuple(digest_of(data) for data in self.raw)

    @property
    def head(self) -> str:
        """The digest of the op that the terminal points at; empty for the empty filesystem.

        Raises InvalidDefinition if the last op points nowhere.
        """
        return self._terminal().digest if self.raw else ""

    @property
    def output_index(self) -> int:
        """The output of the head that the terminal points at. Raises as `head` does."""
        return self._terminal().index if self.raw else 0

    @property
    def platform(self) -> Platform | None:
        """The platform of the head, if it has one. Raises as `head` does."""
        if not self.raw:
            return None
        head = self.head
        for data in self.raw:
            if digest_of(data) == head:
                return _platform(_decode(data))
        raise InvalidDefinition(f"the definition is about {head}, which is not in it")

    def ops(self) -> tuple[DecodedOp, ...]:
        """Decode every op, the terminal included. Raises InvalidDefinition."""
        decoded = []
        for data in self.raw:
            digest = digest_of(data)
            metadata = pb.OpMetadata()
            if digest in self.metadata:
                metadata.CopyFrom(self.metadata[digest])
            decoded.append(DecodedOp(digest, _decode(data), metadata))
        return tuple(decoded)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Definition):
            return NotImplemented
        return self.to_bytes() == other.to_bytes()

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"<Definition of {len(self.raw)} ops>"

    def _terminal(self) -> pb.Input:
        last = _decode(self.raw[-1])
        if last.WhichOneof("op") is not None or len(last.inputs) != 1:
            raise InvalidDefinition("the last op of a definition must only point at another op")
        return last.inputs[0]


def digest_of(data: bytes) -> str:
    """Return the digest of a serialised op."""
    return "sha256:" + sha256(data).hexdigest()


def _decode(data: bytes) -> pb.Op:
    try:
        return pb.Op.FromString(data)
    except DecodeError as error:
        raise InvalidDefinition(f"an op cannot be read: {error}") from error


def _platform(op: pb.Op) -> Platform | None:
    given = op.platform
    if not (given.OS and given.Architecture):
        return None
    return Platform(
        given.OS, given.Architecture, given.Variant, given.OSVersion, tuple(given.OSFeatures)
    )


_SMALL = tuple(bytes((number,)) for number in range(0x80))


def varint(number: int) -> bytes:
    """A number as protobuf has it: seven bits a byte, the lowest first."""
    if number <= 0x7F:
        return _SMALL[number]
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)
