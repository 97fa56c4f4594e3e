"""Moments as people in the shops read them: Beijing time."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

BEIJING = timezone(timedelta(hours=8), "Asia/Shanghai")


def day(moment: float, *, clock: bool = False) -> str:
    """`2026-11-03`, or with the time of day; `moment` in Unix seconds."""
    when = datetime.fromtimestamp(moment, BEIJING)
    return when.strftime("%Y-%m-%d %H:%M" if clock else "%Y-%m-%d")
