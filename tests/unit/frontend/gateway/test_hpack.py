"""HPACK: the examples of RFC 7541, appendix C, and what is no header block."""

import pytest

from frontend.gateway import hpack
from frontend.gateway.hpack import Decoder, HeaderError, encode, huffman

REQUEST = [
    (b":method", b"GET"),
    (b":scheme", b"http"),
    (b":path", b"/"),
    (b":authority", b"www.example.com"),
]


@pytest.mark.parametrize(
    "blocks",
    [
        (  # C.3, plain
            "828684410f7777772e6578616d706c652e636f6d",
            "828684be58086e6f2d6361636865",
            "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565",
        ),
        (  # C.4, Huffman code
            "828684418cf1e3c2e5f23a6ba0ab90f4ff",
            "828684be5886a8eb10649cbf",
            "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
        ),
    ],
)
def test_requests_of_the_standard(blocks: tuple[str, ...]) -> None:
    decoder = Decoder()
    first, second, third = (decoder.decode(bytes.fromhex(block)) for block in blocks)
    assert first == REQUEST
    assert second == [*REQUEST, (b"cache-control", b"no-cache")]
    assert third == [
        (b":method", b"GET"),
        (b":scheme", b"https"),
        (b":path", b"/index.html"),
        (b":authority", b"www.example.com"),
        (b"custom-key", b"custom-value"),
    ]


def test_responses_of_the_standard_evict_from_the_table() -> None:
    decoder = Decoder(256)  # C.6
    date = b"Mon, 21 Oct 2013 20:13:21 GMT"
    first = decoder.decode(
        bytes.fromhex(
            "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff"
            "6e919d29ad171863c78f0b97c8e9ae82ae43d3"
        )
    )
    rest = [
        (b"cache-control", b"private"),
        (b"date", date),
        (b"location", b"https://www.example.com"),
    ]
    assert first == [(b":status", b"302"), *rest]
    assert decoder.decode(bytes.fromhex("4883640effc1c0bf")) == [(b":status", b"307"), *rest]
    third = decoder.decode(
        bytes.fromhex(
            "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab"
            "77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f"
            "9587316065c003ed4ee5b1063d5007"
        )
    )
    assert third == [
        (b":status", b"200"),
        (b"cache-control", b"private"),
        (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT"),
        (b"location", b"https://www.example.com"),
        (b"content-encoding", b"gzip"),
        (b"set-cookie", b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1"),
    ]


@pytest.mark.parametrize("size", [0, 1, 126, 127, 128, 300, 20_000, 3_000_000])
def test_what_is_encoded_is_decoded(size: int) -> None:
    headers = [(b":path", b"/x"), (b"long", b"v" * size)]
    assert Decoder().decode(encode(headers)) == headers


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("", b""),
        ("f1e3c2e5f23a6ba0ab90f4ff", b"www.example.com"),
        ("ffc7", b"\x00"),
        ("ffffffef", b"\xf9"),
        ("fffffff3", b"\n"),
    ],
)
def test_strings_in_the_huffman_code(data: str, text: bytes) -> None:
    assert huffman(bytes.fromhex(data)) == text


def test_every_byte_and_a_long_string() -> None:
    code, bits = 0, 0
    values = bytes(range(256)) * 40
    codes = _codes()
    for value in values:
        length, word = codes[value]
        code, bits = code << length | word, bits + length
    padding = -bits % 8
    data = (code << padding | (1 << padding) - 1).to_bytes((bits + padding) // 8, "big")
    assert huffman(data) == values


def _codes() -> dict[int, tuple[int, int]]:
    """The canonical code, counted up as appendix B says: by length, then by byte."""
    codes: dict[int, tuple[int, int]] = {}
    word = length = 0
    for value in sorted(range(257), key=lambda i: (hpack._LENGTHS[i], i)):
        word <<= hpack._LENGTHS[value] - length
        length = hpack._LENGTHS[value]
        codes[value] = (length, word)
        word += 1
    return codes


@pytest.mark.parametrize(
    "block",
    [
        "80",  # header 0
        "be",  # an entry of the table, which is empty
        "40",  # ends after its first byte
        "410a61",  # ends in a value
        "3fe23f",  # a table larger than was agreed
        "ffffffffffff",  # a number without an end
    ],
)
def test_what_is_no_block(block: str) -> None:
    with pytest.raises(HeaderError):
        Decoder().decode(bytes.fromhex(block))


@pytest.mark.parametrize("data", ["00", "1e", "ffff", "ffffffff", "ffffffffffffffff"])
def test_what_is_not_in_the_huffman_code(data: str) -> None:
    with pytest.raises(HeaderError):
        huffman(bytes.fromhex(data))
