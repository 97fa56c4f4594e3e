"""Thumbnails of filed pictures, beside them; made by Pillow, which is an extra.

Pillow sees only what `pictures` has read through. What it cannot make a thumbnail of keeps an
empty one, so that nobody tries again with every report.
"""

from __future__ import annotations

import hashlib
import io
import logging
from pathlib import Path

from storeops.domains.stock.pictures import MOST_PIXELS
from storeops.private_file import write_bytes

_ENDING = ".thumb.jpg"
LONGEST = 320  # pixels of the longer side
_MOST_UNPACKED = 24_000_000  # pixels of one that cannot be read small: 4 bytes each, twice
_MOST_PASSED = 300_000_000  # pixels times scans
_log = logging.getLogger(__name__)


def installed() -> bool:
    """Whether thumbnails can be made: `pip install 'storeops[photos]'`."""
    try:
        from PIL import Image  # noqa: F401
    except ImportError:
        return False
    return True


def beside(picture: Path) -> Path:
    """Where the thumbnail of a picture lies."""
    return picture.with_suffix(_ENDING)


def is_one(path: Path) -> bool:
    """Whether a file is a thumbnail."""
    return path.name.endswith(_ENDING)


def of_file(picture: Path, sha256: str) -> Path | None:
    """The thumbnail of a filed picture, made when there is none yet. Never raises.

    Args:
        picture: its file.
        sha256: of the file when it was filed; another one is not looked at.

    Returns:
        None when none can be made, or Pillow is not installed.
    """
    there = beside(picture)
    try:
        return there if there.stat().st_size else None
    except OSError:
        pass
    if not installed():
        return None
    try:
        data = picture.read_bytes()
    except OSError:
        return None
    return write(picture, data) if hashlib.sha256(data).hexdigest() == sha256 else None


def write(picture: Path, data: bytes) -> Path | None:
    """Write the thumbnail of a picture beside it. Never raises.

    Args:
        picture: its file.
        data: what the file holds, out of `pictures.clean`.

    Returns:
        None when none can be made, or Pillow is not installed.
    """
    if not installed():
        return None
    there = beside(picture)
    try:
        small = draw(data)
        write_bytes(there, small)
    except (OSError, MemoryError) as error:  # of the disk or the machine: tried again
        _log.warning("no thumbnail of %s: %s", picture.name, type(error).__name__)
        return None
    return there if small else None


def draw(data: bytes) -> bytes:
    """A small upright JPEG that holds nothing but the picture; b"" when Pillow cannot read it.

    Args:
        data: a JPEG or PNG out of `pictures.clean`.

    Raises:
        MemoryError: not now.
    """
    import warnings

    from PIL import Image, ImageOps

    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    warnings.filterwarnings("error", category=Image.DecompressionBombWarning)
    out = io.BytesIO()
    try:
        with Image.open(io.BytesIO(data), formats=("JPEG", "PNG")) as image:
            pixels = image.width * image.height
            scans = data.count(b"\xff\xda") if image.format == "JPEG" else 1
            at_once = image.format == "PNG" or scans > 1
            if (at_once and pixels > _MOST_UNPACKED) or pixels * scans > _MOST_PASSED:
                raise ValueError("too large to be unpacked")
            image.draft(None, (2 * LONGEST, 2 * LONGEST))  # a JPEG is read at 1/2 to 1/8
            small: Image.Image = image
            if image.mode.startswith("I"):  # 16 bits of grey
                small = image.convert("I").point(lambda grey: grey / 256).convert("L")
            elif image.mode == "P" or "transparency" in image.info:
                small = image.convert("RGBA")
            small.thumbnail((LONGEST, LONGEST))
            small = ImageOps.exif_transpose(small)
            if small.mode in ("RGBA", "LA"):
                ground = Image.new("RGBA", small.size, "white")
                ground.alpha_composite(small.convert("RGBA"))
                small = ground
            plain = Image.new("RGB", small.size)
            plain.paste(small.convert("RGB"))
            plain.save(out, "JPEG", quality=80, optimize=True)
    except MemoryError:
        raise
    except Exception as error:  # whatever a stranger's picture makes Pillow say
        _log.warning("no thumbnail of a picture: %s", type(error).__name__)
        return b""
    return out.getvalue()
