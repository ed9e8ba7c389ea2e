"""The source map of a definition in the making: each file once, and which ops come from where."""

from collections.abc import Container

from llb.definition import InvalidDefinition
from llb.masked import masked_bytes
from llb.pb import ops_pb2 as pb
from llb.sourcemap import Location, Position

_Key = tuple[str, str, bytes, bytes]


class SourceIndex:
    """Collects locations by op digest and gives the finished message."""

    def __init__(self) -> None:
        self._message = pb.Source()
        self._files: dict[_Key, int] = {}

    def add(self, digest: str, location: Location) -> None:
        """Say that the op with that digest comes from there."""
        file = location.file
        key = (file.filename, file.language, file.data, b"")
        index = self._files.get(key)
        if index is None:
            info = pb.SourceInfo(
                filename=file.filename, data=masked_bytes(file.data), language=file.language
            )
            index = self._add_file(key, info)
        ranges = [
            pb.Range(start=_position(each.start), end=_position(each.end))
            for each in location.ranges
        ]
        self._append(digest, pb.Location(sourceIndex=index, ranges=ranges))

    def merge(self, source: pb.Source, digests: Container[str]) -> None:
        """Take over another definition's source map, for the ops that are in `digests`.

        Raises InvalidDefinition if it refers to a file that it does not have.
        """
        numbers = [self._file(info) for info in source.infos]
        for digest in sorted(source.locations):
            if digest not in digests:
                continue
            for location in source.locations[digest].locations:
                if not 0 <= location.sourceIndex < len(numbers):
                    raise InvalidDefinition(f"no file has the number {location.sourceIndex}")
                moved = pb.Location(
                    sourceIndex=numbers[location.sourceIndex], ranges=location.ranges
                )
                self._append(digest, moved)

    def message(self) -> pb.Source:
        """Return the source map."""
        return self._message

    def _file(self, info: pb.SourceInfo) -> int:
        kept = pb.SourceInfo()
        kept.CopyFrom(info)
        # A definition that is there but empty is one that the daemon's tools choke on.
        if not getattr(kept.definition, "def"):
            kept.ClearField("definition")
        definition = kept.definition.SerializeToString(deterministic=True)
        key = (kept.filename, kept.language, kept.data, definition)
        known = self._files.get(key)
        return self._add_file(key, kept) if known is None else known

    def _add_file(self, key: _Key, info: pb.SourceInfo) -> int:
        self._files[key] = index = len(self._message.infos)
        self._message.infos.append(info)
        return index

    def _append(self, digest: str, location: pb.Location) -> None:
        known = self._message.locations[digest].locations
        if location not in known:
            known.append(location)


def _position(position: Position) -> pb.Position:
    return pb.Position(line=position.line, character=position.character)
