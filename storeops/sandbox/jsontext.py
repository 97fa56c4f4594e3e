"""JSON as the wire carries it: compact, raw UTF-8."""

from __future__ import annotations

import json
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode


def dumps(value: Any) -> bytes:
    """Compact UTF-8 JSON; lone surrogates, which no UTF-8 can carry, become `?`."""
    return _encode(value).encode("utf-8", "replace")


EMPTY = b'""'
