"""Identifiers in WeCom's shapes, deterministic by seed; customer ids can be read back to a row."""

from __future__ import annotations

import base64
from hashlib import blake2b

_ODD = 0x9E3779B1  # an odd multiplier is a bijection on 32 bits
_BACK = pow(_ODD, -1, 1 << 32)
CUSTOMER_BYTES = 32  # length of every external_userid


def digest(seed: int, *parts: object, size: int = 16) -> bytes:
    """A fixed pseudo-random digest of these parts for this seed."""
    text = "\x1f".join(map(str, parts)).encode("utf-8", "replace")
    return blake2b(text, digest_size=size, key=seed.to_bytes(8, "big", signed=True)).digest()


def corp_id(seed: int) -> str:
    """`ww` and 16 hex digits."""
    return "ww" + digest(seed, "corp", size=8).hex()


def secret(seed: int, agent_id: int) -> str:
    """A 43-character secret that is only good for this sandbox."""
    raw = digest(seed, "secret", agent_id, size=32)
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _letters(raw: bytes) -> str:
    return base64.b64encode(raw, b"Aa").decode().rstrip("=")


def object_id(prefix: str, seed: int, kind: str, number: int) -> str:
    """A 32-character id such as `et…` for tags or `wr…` for group chats."""
    return prefix + _letters(digest(seed, kind, number, size=24))[: 32 - len(prefix)]


class CustomerIds:
    """external_userid ↔ row number, without a dictionary.

    `wm` (`wo` for WeCom users), eight letters of the corp, and 22 letters of which the first
    carry the scrambled row number and the rest a checksum.
    """

    __slots__ = ("_key", "_mask", "corp")

    def __init__(self, seed: int) -> None:
        self.corp = _letters(digest(seed, "customers", size=6))[:8].encode()
        self._key = digest(seed, "customer-key", size=16)
        self._mask = int.from_bytes(digest(seed, "mask", size=4), "big")

    def make(self, row: int, kind: int) -> bytes:
        """The id of a row; kind 1 is a WeChat user, 2 a WeCom user."""
        head = ((row * _ODD) & 0xFFFFFFFF) ^ self._mask
        packed = head.to_bytes(4, "big")
        check = blake2b(packed, digest_size=12, key=self._key).digest()
        tail = base64.b64encode(packed + check, b"_-")[:22]
        return (b"wm" if kind == 1 else b"wo") + self.corp + tail

    def row_of(self, external_userid: bytes) -> int:
        """The row this id points at, or -1 when it cannot be one of this corp."""
        if len(external_userid) != CUSTOMER_BYTES or external_userid[2:10] != self.corp:
            return -1
        try:
            packed = base64.b64decode(external_userid[10:18], b"_-")[:4]
        except ValueError:
            return -1
        head = int.from_bytes(packed, "big") ^ self._mask
        return (head * _BACK) & 0xFFFFFFFF


def opengid(seed: int, chat_id: str) -> str:
    """The id a mini-program sees for this group."""
    return "oG" + digest(seed, "opengid", chat_id, size=13).hex()
