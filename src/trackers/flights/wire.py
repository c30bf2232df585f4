"""The part of the wire format of protocol buffers that Google's links and prices use.

https://protobuf.dev/programming-guides/encoding/: a field is a tag (number << 3 | type) and its value. Type 0 is a
variable-length integer, type 2 is a length and that many bytes, types 1 and 5 are eight and four bytes.
"""

from typing import Final

VARINT: Final = 0
EIGHT_BYTES: Final = 1
LENGTH: Final = 2
FOUR_BYTES: Final = 5
MAX_VARINT_BYTES: Final = 10
SEVEN_BITS: Final = 0x7F
MORE: Final = 0x80
FIXED: Final = {EIGHT_BYTES: 8, FOUR_BYTES: 4}


class WireError(ValueError):
    """The bytes are not a message in this format."""


def varint(value: int) -> bytes:
    """Encode an integer of at least 0: seven bits per byte, the lowest first."""
    out = bytearray()
    while value > SEVEN_BITS:
        out.append(value & SEVEN_BITS | MORE)
        value >>= 7
    out.append(value)
    return bytes(out)


def number_field(number: int, value: int) -> bytes:
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, value: bytes) -> bytes:
    return varint(number << 3 | LENGTH) + varint(len(value)) + value


def fields(message: bytes) -> list[tuple[int, int | bytes]]:
    """Return (number, value) of every field, in order. Raises WireError.

    Numbers of one byte are decoded inline for speed: most numbers have one byte, and a page has thousands of them.
    """
    decoded: list[tuple[int, int | bytes]] = []
    place, end = 0, len(message)
    while place < end:
        tag = message[place]
        place += 1
        if tag > SEVEN_BITS:
            tag, place = _varint(message, place - 1)
        kind = tag & 7
        if kind in FIXED:
            value = FIXED[kind]
        else:
            if place >= end:
                raise WireError("a number is cut off")
            value = message[place]
            place += 1
            if value > SEVEN_BITS:
                value, place = _varint(message, place - 1)
        if kind == VARINT:
            decoded.append((tag >> 3, value))
            continue
        if kind != LENGTH and kind not in FIXED:
            raise WireError(f"field {tag >> 3} has the unknown type {kind}")
        if place + value > end:
            raise WireError(f"field {tag >> 3} is cut off")
        decoded.append((tag >> 3, message[place : place + value]))
        place += value
    return decoded


def _varint(message: bytes, place: int) -> tuple[int, int]:
    """Return (value, position after it). Raises WireError."""
    value = 0
    for position in range(MAX_VARINT_BYTES):
        if place >= len(message):
            raise WireError("a number is cut off")
        byte = message[place]
        place += 1
        value |= (byte & SEVEN_BITS) << (7 * position)
        if byte <= SEVEN_BITS:
            return value, place
    raise WireError("a number is too long")
