"""Acts of members who write to the app: pictures (doc 90239)."""

from __future__ import annotations

import base64
import binascii
import random
import struct
import zlib
from typing import Any

from storeops.sandbox.act import Act, act
from storeops.sandbox.callback.event_xml import MESSAGE
from storeops.sandbox.ids import digest

_WIDE, _HIGH = 160, 120
_LARGEST = 60_000_000  # bytes that a picture is padded to at most


@act("photo_send")
def photo_send(a: Act) -> dict[str, Any]:
    """A member sends a picture to the app: drawn, or content=BASE64; bytes= pads it."""
    member, corp = a.member(), a.corp
    data = _shelf(a.dice)
    if "content" in a.given:
        try:
            data = base64.b64decode(a.text("content"), validate=True)
        except (binascii.Error, ValueError):
            raise ValueError("content must be base64") from None
    size = a.number("bytes", len(data))
    if not len(data) <= size <= _LARGEST:
        raise ValueError(f"bytes must be {len(data)} to {_LARGEST}")
    now = corp.clock.now()
    kept = a.mail.keep("image", "shelf.png", data.ljust(size, b"\0"), "", now)
    message_id = int.from_bytes(digest(corp.seed, "message", len(corp.events), size=7), "big")
    corp.emit(
        MESSAGE, "image", userid=member.userid,
        PicUrl=f"https://wework.qpic.cn/wwpic/{kept.media_id[:12]}/0", MediaId=kept.media_id,
        MsgId=message_id,
    )  # fmt: skip
    return {"userid": member.userid, "media_id": kept.media_id, "bytes": size}


def _shelf(dice: random.Random) -> bytes:
    """A PNG of boards with bottles on them, each time other ones."""
    rows = [bytearray(b"\xe8\xe4\xda" * _WIDE) for _line in range(_HIGH)]
    for board in (38, 78, 118):
        rows[board] = bytearray(b"\x8a\x6a\x48" * _WIDE)
        left = 3
        while left < _WIDE - 10:
            wide, tall = dice.randint(5, 9), dice.randint(18, 30)
            colour = bytes(dice.choice(((240, 244, 250), (90, 150, 210), (220, 90, 80))))
            if dice.random() < 0.85:  # now and then a gap
                for line in range(board - tall, board):
                    rows[line][3 * left : 3 * (left + wide)] = colour * wide
            left += wide + 2
    head = struct.pack(">IIBBBBB", _WIDE, _HIGH, 8, 2, 0, 0, 0)
    packed = zlib.compress(b"".join(b"\0" + bytes(row) for row in rows))
    chunks = ((b"IHDR", head), (b"IDAT", packed), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*each) for each in chunks)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
