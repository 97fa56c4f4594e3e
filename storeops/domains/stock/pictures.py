"""Pictures that strangers send: proved to be whole ones, and freed of what they tell of people.

Only JPEG and PNG, read marker by marker and chunk by chunk; nothing is decoded but what a PNG
packs, and that within bounds. What a camera writes beside the picture (place, owner, device, a
small copy) is left out; how the camera was held is kept, or pictures would lie on their side.
"""

from __future__ import annotations

import hashlib
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from storeops.i18n import N_, _

MOST_BYTES = 10_000_000
MOST_PIXELS = 50_000_000
_MOST_SIDE = 20_000
_MOST_PARTS = 20_000  # markers or chunks of one file
_MOST_SCANS = 200
_AT_ONCE = 1 << 20  # bytes that are unpacked at a time
_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# colours and transparency; none of texts, times, places, profiles and further pictures
_PNG_KEPT = frozenset({b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB"})
_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
           (0, 1, 1, 2))  # fmt: skip
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN = 0xDA
_MARKER = re.compile(rb"\xff+[^\xff]")  # fill bytes may go before it
_AFTER_SCAN = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

EMPTY, LARGE, KIND, BROKEN, PIXELS = "empty", "large", "kind", "broken", "pixels"
WORDS = {
    EMPTY: N_("the file is empty"),
    LARGE: N_("the file is larger than 10 MB"),
    KIND: N_("it is no picture in JPEG or PNG"),
    BROKEN: N_("the picture is damaged or cut off"),
    PIXELS: N_("it claims to be larger than any camera's picture"),
}


class BadPictureError(ValueError):
    """It cannot be taken.

    Attributes:
        code: empty | large | kind | broken | pixels.
    """

    def __init__(self, code: str) -> None:
        super().__init__(_(WORDS[code]))
        self.code = code


@dataclass(frozen=True, slots=True)
class CleanPicture:
    """A picture as it is kept.

    Attributes:
        kind: jpeg | png.
        width, height: pixels, as they are stored.
        data: the file, without what it told of people.
        sha256: of `data`.
    """

    kind: str
    width: int
    height: int
    data: bytes
    sha256: str


def clean(data: bytes) -> CleanPicture:
    """A picture that can be kept.

    Args:
        data: the file as it came; one byte more than `MOST_BYTES` is enough to be refused.

    Raises:
        BadPictureError: why not.
    """
    if not data:
        raise BadPictureError(EMPTY)
    if len(data) > MOST_BYTES:
        raise BadPictureError(LARGE)
    if data.startswith(_SIGNATURE):
        kind, (width, height, kept) = "png", _png(data)
    elif data.startswith(b"\xff\xd8\xff"):
        kind, (width, height, kept) = "jpeg", _jpeg(data)
    else:
        raise BadPictureError(KIND)
    return CleanPicture(kind, width, height, kept, hashlib.sha256(kept).hexdigest())


def look(data: bytes) -> CleanPicture | str:
    """As `clean`; what was refused is the code of why."""
    try:
        return clean(data)
    except BadPictureError as error:
        return error.code


def _must_fit(width: int, height: int) -> None:
    if not (width and height):
        raise BadPictureError(BROKEN)
    if max(width, height) > _MOST_SIDE or width * height > MOST_PIXELS:
        raise BadPictureError(PIXELS)


# -- JPEG (ITU T.81)


def _jpeg(data: bytes) -> tuple[int, int, bytes]:
    """(width, height, what is kept)."""
    kept: list[bytes] = []
    size: tuple[int, int] | None = None
    turned, scans = 1, 0
    for marker, body, whole in _segments(data):
        if marker in _FRAMES:
            if size is not None or len(body) < 6:
                raise BadPictureError(BROKEN)
            height, width = struct.unpack(">HH", body[1:5])
            _must_fit(width, height)
            size = width, height
        elif marker == _SCAN:
            scans += 1
            if size is None or scans > _MOST_SCANS:
                raise BadPictureError(BROKEN)
        elif marker == 0xE1 and body.startswith(b"Exif\0\0"):
            turned = _turned(body[6:])
        if not (0xE0 <= marker <= 0xEF or marker == 0xFE) or _is_about_colours(marker, body):
            kept.append(whole)
    if size is None or not scans:
        raise BadPictureError(BROKEN)
    head = b"\xff\xd8" + (_turn(turned) if turned > 1 else b"")
    return *size, b"".join([head, *kept, b"\xff\xd9"])


def _segments(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """(marker, content, the whole segment, a scan with its pixels) up to the end of the picture."""
    at = 2
    for _part in range(_MOST_PARTS):
        found = _MARKER.match(data, at)
        if found is None:
            break
        at, marker = found.end() - 2, data[found.end() - 1]
        if marker == 0xD9:
            return
        size = int.from_bytes(data[at + 2 : at + 4], "big")
        end = at + 2 + size
        if marker in (0x00, 0x01) or 0xD0 <= marker <= 0xD8 or size < 2 or end > len(data):
            break
        body = data[at + 4 : end]
        if marker == _SCAN:
            after = _AFTER_SCAN.search(data, end)
            if after is None:
                break
            end = after.start()
        yield marker, body, data[at:end]
        at = end
    raise BadPictureError(BROKEN)


def _is_about_colours(marker: int, body: bytes) -> bool:
    """Whether a segment of an application is about colours and nothing else."""
    return marker == 0xEE and body.startswith(b"Adobe") and len(body) <= 16


def _turned(tiff: bytes) -> int:
    """How the camera was held: 1 upright, to 8 (EXIF, tag 0x0112)."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None or len(tiff) < 10:
        return 1
    (start,) = struct.unpack_from(f"{order}I", tiff, 4)
    if start + 2 > len(tiff):
        return 1
    (count,) = struct.unpack_from(f"{order}H", tiff, start)
    for at in range(start + 2, min(start + 2 + 12 * count, len(tiff) - 11), 12):
        tag, kind, _number, value = struct.unpack_from(f"{order}HHIH", tiff, at)
        if (tag, kind) == (0x0112, 3):
            return value if 1 <= value <= 8 else 1
    return 1


def _turn(turned: int) -> bytes:
    """A segment that says how the camera was held, and nothing else."""
    body = b"Exif\0\0MM\0*" + struct.pack(">IHHHIHHI", 8, 1, 0x0112, 3, 1, turned, 0, 0)
    return b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body


# -- PNG (ISO 15948)


def _png(data: bytes) -> tuple[int, int, bytes]:
    """(width, height, what is kept)."""
    kept = [_SIGNATURE]
    header = b""
    unpacker, size, wanted = zlib.decompressobj(), 0, 0
    ended = False
    for kind, body, whole in _chunks(data):
        if not header:
            if kind != b"IHDR" or len(body) != 13:
                break
            header = body
            _must_fit(*struct.unpack(">II", header[:8]))
            wanted = _unpacked_size(header)
        elif kind == b"IHDR":
            break
        elif kind == b"IDAT":
            size += _unpack(unpacker, body, wanted - size)
        if kind in _PNG_KEPT:
            kept.append(whole)
        ended = kind == b"IEND"
    if not ended or size != wanted:
        raise BadPictureError(BROKEN)
    return *struct.unpack(">II", header[:8]), b"".join(kept)


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """(kind, content, the whole chunk) up to the end of the picture."""
    at = len(_SIGNATURE)
    for _part in range(_MOST_PARTS):
        size = int.from_bytes(data[at : at + 4], "big")
        end = at + 12 + size
        if len(data) < at + 12 or end > len(data):
            break
        kind, body = data[at + 4 : at + 8], data[at + 8 : end - 4]
        if zlib.crc32(kind + body) != int.from_bytes(data[end - 4 : end], "big"):
            break
        yield kind, body, data[at:end]
        if kind == b"IEND":
            return
        at = end
    raise BadPictureError(BROKEN)


def _unpack(unpacker: zlib._Decompress, body: bytes, room: int) -> int:
    """Bytes that a chunk unpacks to; never more than one piece beyond `room` is made."""
    size = 0
    while body and not unpacker.eof:  # zlib would copy what comes after its end, again and again
        try:
            size += len(unpacker.decompress(body, _AT_ONCE))
        except zlib.error:
            raise BadPictureError(BROKEN) from None
        if size > room:
            raise BadPictureError(BROKEN)
        body = unpacker.unconsumed_tail
    return size


def _unpacked_size(header: bytes) -> int:
    """Bytes that the picture must unpack to."""
    width, height, depth, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", header)
    if (
        colour not in _SAMPLES or depth not in (1, 2, 4, 8, 16) or packing or filtering
        or interlaced > 1
    ):  # fmt: skip
        raise BadPictureError(BROKEN)
    bits = depth * _SAMPLES[colour]
    passes = _PASSES if interlaced else ((0, 0, 1, 1),)
    total = 0
    for left, top, across, down in passes:
        wide, high = -(-(width - left) // across), -(-(height - top) // down)
        if wide > 0 and high > 0:
            total += high * (1 + (wide * bits + 7) // 8)
    return total
