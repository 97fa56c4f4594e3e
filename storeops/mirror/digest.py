"""Compact digests: whether a row is certainly what it was, without reading its columns."""

from __future__ import annotations

import json
import marshal
from collections.abc import Sequence
from hashlib import blake2b
from typing import Any


def digest(*values: Any) -> int:
    """64 bits over plain values (str, int, None, tuples of them), as SQLite's signed integer.

    Marshal's version 2 has no references, so that equal values always give equal bytes.
    """
    packed = marshal.dumps(values, 2)
    return int.from_bytes(blake2b(packed, digest_size=8).digest(), "big", signed=True)


def as_json(values: Sequence[object]) -> str:
    """A list as stored: "[]" when empty, no spaces, raw UTF-8."""
    if not values:
        return "[]"
    return json.dumps(list(values), ensure_ascii=False, separators=(",", ":"))


def customer_digest(
    name: str, type: int, gender: int, unionid: str, avatar: str, position: str, corp_name: str
) -> int:
    """Digest of what WeCom says about a person."""
    return digest(name, type, gender, unionid, avatar, position, corp_name)


def follow_digest(
    createtime: int,
    remark: str,
    description: str,
    remark_corp_name: str,
    mobiles: str,
    add_way: int,
    oper_userid: str,
    state: str,
    tags: tuple[int, ...],
) -> int:
    """Digest of a follow; `mobiles` as stored (JSON), `tags` as sorted tag.id."""
    return digest(
        createtime,
        remark,
        description,
        remark_corp_name,
        mobiles,
        add_way,
        oper_userid,
        state,
        tags,
    )
