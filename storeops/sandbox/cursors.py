"""Paging cursors: opaque, bound to their query, short-lived."""

from __future__ import annotations

import base64
import hmac
import struct
from hashlib import blake2b

from storeops.sandbox.refusals import Refusal

_LAYOUT = struct.Struct(">IIQ")  # issued at, position, place inside it


class Cursors:
    """Makes and reads cursors without keeping any: they carry their place and a seal."""

    def __init__(self, key: bytes) -> None:
        self._key = key

    def issue(self, kind: str, query: bytes, now: int, first: int, second: int = 0) -> str:
        """A cursor that continues this query at (first, second)."""
        packed = _LAYOUT.pack(now, first, second)
        return base64.urlsafe_b64encode(packed + self._seal(kind, query, packed)).decode()

    def read(self, kind: str, query: bytes, cursor: str, now: int, life_s: int) -> tuple[int, int]:
        """The place of a cursor; 50100 when malformed, of another query, or too old."""
        try:
            raw = base64.urlsafe_b64decode(cursor.encode("ascii"))
        except ValueError:
            raise Refusal(50100) from None
        packed, seal = raw[: _LAYOUT.size], raw[_LAYOUT.size :]
        if len(packed) != _LAYOUT.size or not hmac.compare_digest(
            seal, self._seal(kind, query, packed)
        ):
            raise Refusal(50100)
        issued, first, second = _LAYOUT.unpack(packed)
        if now - issued > life_s:
            raise Refusal(50100)
        return first, second

    def _seal(self, kind: str, query: bytes, packed: bytes) -> bytes:
        what = kind.encode() + b"\0" + blake2b(query, digest_size=8).digest() + packed
        return blake2b(what, digest_size=14, key=self._key).digest()
