"""HPACK, the header compression of HTTP/2 (RFC 7541): all of decoding, the plainest of encoding.

A daemon sends error details, whole files in them, as one header of hundreds of kilobytes, mostly in
the Huffman code; so decoding looks up eight bits at a time.
"""

from __future__ import annotations

Header = tuple[bytes, bytes]

# RFC 7541, appendix A.
_STATIC: tuple[Header, ...] = (
    (b":authority", b""),
    *((b":method", value) for value in (b"GET", b"POST")),
    *((b":path", value) for value in (b"/", b"/index.html")),
    *((b":scheme", value) for value in (b"http", b"https")),
    *((b":status", b"%d" % code) for code in (200, 204, 206, 304, 400, 404, 500)),
    (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"),
    *(
        (name, b"")
        for name in (
            b"accept-language accept-ranges accept access-control-allow-origin age allow "
            b"authorization cache-control content-disposition content-encoding content-language "
            b"content-length content-location content-range content-type cookie date etag expect "
            b"expires from host if-match if-modified-since if-none-match if-range "
            b"if-unmodified-since last-modified link location max-forwards proxy-authenticate "
            b"proxy-authorization range referer refresh retry-after server set-cookie "
            b"strict-transport-security transfer-encoding user-agent vary via www-authenticate"
        ).split()
    ),
)

# RFC 7541, appendix B: the bits of each byte's code, and of the end mark's. The code is canonical,
# so the lengths are enough: codes count up by length, then by byte.
_LENGTHS = (
    *(13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28),
    *(28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28),
    *(6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6),
    *(5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10),
    *(13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7),
    *(7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6),
    *(15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5),
    *(6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28),
    *(20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23),
    *(24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24),
    *(22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23),
    *(21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23),
    *(26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25),
    *(19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27),
    *(20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23),
    *(26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26),
    30,
)
_END = 256
_SHORT = 8  # bits that one look-up covers
_LONGEST = 30

_ENTRY_OVERHEAD = 32
_DEFAULT_TABLE = 4096


class HeaderError(Exception):
    """The bytes are not a header block."""


class Decoder:
    """Decodes the header blocks of one connection, which build on each other."""

    def __init__(self, limit: int = _DEFAULT_TABLE) -> None:
        self._limit = limit  # bytes that the dynamic table may take: our setting
        self._size = limit  # what the sender uses of it
        self._used = 0
        self._table: list[Header] = []  # newest first

    def decode(self, block: bytes) -> list[Header]:
        """The headers of a block, in order. Raises `HeaderError`; the connection is lost then."""
        headers: list[Header] = []
        at = 0
        try:
            while at < len(block):
                first = block[at]
                if first & 0x80:
                    index, at = _integer(block, at, 7)
                    headers.append(self._entry(index))
                elif first & 0xE0 == 0x20:
                    size, at = _integer(block, at, 5)
                    if size > self._limit:
                        raise HeaderError("the header table is larger than was agreed")
                    self._size = size
                    self._evict()
                else:
                    remember = bool(first & 0x40)
                    index, at = _integer(block, at, 6 if remember else 4)
                    if index:
                        name = self._entry(index)[0]
                    else:
                        name, at = _string(block, at)
                    value, at = _string(block, at)
                    headers.append((name, value))
                    if remember:
                        self._remember(name, value)
        except IndexError:
            raise HeaderError("a header block ends too early") from None
        return headers

    def _entry(self, index: int) -> Header:
        if index == 0:
            raise HeaderError("header 0 does not exist")
        if index <= len(_STATIC):
            return _STATIC[index - 1]
        return self._table[index - len(_STATIC) - 1]

    def _remember(self, name: bytes, value: bytes) -> None:
        self._table.insert(0, (name, value))
        self._used += len(name) + len(value) + _ENTRY_OVERHEAD
        self._evict()

    def _evict(self) -> None:
        while self._used > self._size:
            name, value = self._table.pop()
            self._used -= len(name) + len(value) + _ENTRY_OVERHEAD


def encode(headers: list[Header]) -> bytes:
    """A block that a decoder need not remember: names and values as they are."""
    parts: list[bytes] = []
    for name, value in headers:
        parts += (b"\x00", _length(len(name)), name, _length(len(value)), value)
    return b"".join(parts)


def _length(number: int) -> bytes:
    """An integer with a prefix of seven bits."""
    if number < 0x7F:
        return bytes((number,))
    number -= 0x7F
    rest = bytearray(b"\x7f")
    while number >= 0x80:
        rest.append(number & 0x7F | 0x80)
        number >>= 7
    rest.append(number)
    return bytes(rest)


def _integer(block: bytes, at: int, prefix: int) -> tuple[int, int]:
    """An integer at `at`, and the position after it."""
    limit = (1 << prefix) - 1
    number = block[at] & limit
    at += 1
    if number < limit:
        return number, at
    shift = 0
    while True:
        byte = block[at]
        at += 1
        number += (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return number, at
        if shift > 28:
            raise HeaderError("an integer is too large")


def _string(block: bytes, at: int) -> tuple[bytes, int]:
    """A string at `at`, and the position after it."""
    coded = block[at] & 0x80
    length, at = _integer(block, at, 7)
    data = block[at : at + length]
    if len(data) < length:
        raise HeaderError("a header ends too early")
    return (huffman(data) if coded else data), at + length


_short: list[tuple[int, int]] = []  # by the next eight bits: byte and bits, or bits 0
_long: dict[tuple[int, int], int] = {}  # by bits and code: byte


def _prepare() -> None:
    """Build the look-up tables from the lengths, once and only if a header needs them."""
    short = [(0, 0)] * (1 << _SHORT)
    code = bits = 0
    for symbol in sorted(range(len(_LENGTHS)), key=lambda i: (_LENGTHS[i], i)):
        code <<= _LENGTHS[symbol] - bits
        bits = _LENGTHS[symbol]
        if bits <= _SHORT:
            start = code << (_SHORT - bits)
            for index in range(start, start + (1 << (_SHORT - bits))):
                short[index] = (symbol, bits)
        else:
            _long[bits, code] = symbol
        code += 1
    _short.extend(short)


def huffman(data: bytes) -> bytes:
    """Decode a string in the Huffman code. Raises `HeaderError` if it is none."""
    if not _short:
        _prepare()
    short, decoded = _short, bytearray()
    code = bits = 0  # what is read and not decoded yet
    for byte in data:
        code = code << 8 | byte
        bits += 8
        while bits >= _SHORT:
            symbol, used = short[code >> (bits - _SHORT)]
            if not used:
                symbol, used = _long_code(code, bits)
                if not used:
                    break
            decoded.append(symbol)
            bits -= used
            code &= (1 << bits) - 1
    while bits >= 5:
        padded = (code << _SHORT | 0xFF) >> bits & 0xFF if bits < _SHORT else code >> (bits - 8)
        symbol, used = short[padded]
        if not 0 < used <= bits:
            break
        decoded.append(symbol)
        bits -= used
        code &= (1 << bits) - 1
    if bits >= _SHORT or code != (1 << bits) - 1:
        raise HeaderError("a string in the Huffman code has a bad end")
    return bytes(decoded)


def _long_code(code: int, bits: int) -> tuple[int, int]:
    """The byte at the start of `code`, and its bits; 0 bits if more are needed to tell."""
    for used in range(_SHORT + 1, min(bits, _LONGEST) + 1):
        symbol = _long.get((used, code >> (bits - used)))
        if symbol is not None:
            if symbol == _END:
                raise HeaderError("a string holds the end mark")
            return symbol, used
    if bits >= _LONGEST:
        raise HeaderError("a string is not in the Huffman code")
    return 0, 0
