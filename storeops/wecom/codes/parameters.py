"""Codes of parameters (06 §1)."""

from __future__ import annotations

from storeops.wecom.errcodes import CodeRow

ROWS: tuple[CodeRow, ...] = ()
