"""Values of TOML that people write: each reader gives the value or says what it expected.

Every reader takes (where, value): the key for the complaint, and what TOML made of the text; None
for what is not there.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from datetime import date, datetime
from typing import Any

from storeops.durations import seconds
from storeops.errors import ConfigError, UsageError
from storeops.i18n import N_, _
from storeops.spelling import did_you_mean, nearest

Reader = Callable[[str, Any], Any]
_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?\Z")
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?\Z")


class SettingProblem(Exception):
    """A value that cannot be used.

    Attributes:
        where: its key.
        expected: what should stand there.
        hint: what to do, "" for nothing better than correcting it.
        missing: nothing stands there.
    """

    def __init__(self, where: str, expected: str, hint: str = "") -> None:
        super().__init__(where)
        self.where = where
        self.expected = expected
        self.hint = hint
        self.missing = False


def table(
    where: str, value: Any, readers: Mapping[str, Reader], needed: Iterable[str] = ()
) -> dict[str, Any]:
    """A table's keys, each read by its reader; those that are absent stay so.

    Args:
        where: what stands before its keys, "" at the top of a file.
        value: what TOML made of it.
        readers: by key; no other may stand there.
        needed: keys that must.

    Raises:
        SettingProblem: a key that nobody reads (the nearest one is named), a value, or no value.
    """
    if not isinstance(value, dict):
        raise SettingProblem(where, _("a table"))
    inside = f"{where}." if where else ""
    read = {}
    for key, each in value.items():
        if key not in readers:
            listing = _(", ").join(readers)
            raise SettingProblem(
                f"{inside}{key}", (nearest(key, readers, 1) or [listing])[0],
                did_you_mean(key, readers, ""),
            )  # fmt: skip
        read[key] = readers[key](f"{inside}{key}", each)
    for key in needed:
        if key not in value:
            try:
                readers[key](f"{inside}{key}", None)
            except SettingProblem as problem:
                problem.missing = True
                raise
    return read


def by_name(read: Callable[[str, str, Any], Any]) -> Reader:
    """A reader of a table of tables, each read by `read(where, name, value)`."""

    def read_all(where: str, value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise SettingProblem(where, _("a table"))
        return {name: read(f"{where}.{name}", name, each) for name, each in value.items()}

    return read_all


_TEXT = N_("text in quotes")
_FLAG = N_("true or false")
_COUNT = N_("a whole number above 0")


def text(where: str, value: Any) -> str:
    """Any text."""
    if not isinstance(value, str):
        raise SettingProblem(where, _(_TEXT))
    return value


def flag(where: str, value: Any) -> bool:
    """True or false."""
    if not isinstance(value, bool):
        raise SettingProblem(where, _(_FLAG))
    return value


def count(where: str, value: Any) -> int:
    """A whole number above 0."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise SettingProblem(where, _(_COUNT))
    return value


def wait(where: str, value: Any) -> int:
    """Seconds to wait for an answer. Three tries of 35 end before what bounds a fetch of the token
    (`limits.tokens`), a whole answer (`wecom.transport`) and a place among the calls in flight."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 35:
        raise SettingProblem(where, _("a whole number of seconds from 1 to 35"))
    return value


def ceiling(where: str, value: Any) -> int:
    """A whole number, 0 for none."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SettingProblem(where, _("a whole number, or 0 for no ceiling"))
    return value


def agent(where: str, value: Any) -> int:
    """The app's number, 0 when unknown."""
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise SettingProblem(where, _("the app's number, as the console shows it"))
    return value


def corp(where: str, value: Any) -> str:
    """A corpid."""
    if not re.match(r"[A-Za-z0-9]{2,64}\Z", text(where, value)):
        raise SettingProblem(where, _("a corpid: ww and 16 letters or digits"))
    return str(value)


def url(where: str, value: Any) -> str:
    """An address without its trailing slash; plain http only on this machine."""
    address = text(where, value).rstrip("/")
    if not (_HTTPS.match(address) or _LOOPBACK.match(address)):
        raise SettingProblem(where, _("an https:// address, or http:// on this machine only"))
    return address


def is_local(address: str) -> bool:
    """Whether an address is of this machine."""
    return bool(_LOOPBACK.match(address))


def texts(where: str, value: Any) -> tuple[str, ...]:
    """A list of texts, none of them empty."""
    if not isinstance(value, list) or not all(isinstance(each, str) and each for each in value):
        raise SettingProblem(where, _("a list of texts"))
    return tuple(value)


def text_or_texts(where: str, value: Any) -> tuple[str, ...]:
    """One text, or a list of them; an empty text is none."""
    if not isinstance(value, list):
        return (text(where, value),) if value != "" else ()
    return texts(where, value)


def name(where: str, value: Any) -> str:
    """What people call a thing, in a line."""
    if not isinstance(value, str) or not 0 < len(value) <= 60:
        raise SettingProblem(where, _("1 to 60 characters"))
    return value


def one_of(known: Iterable[str]) -> Reader:
    """A reader of one of some words."""
    words = tuple(known)

    def read(where: str, value: Any) -> str:
        if value not in words:
            hint = did_you_mean(value, words, "") if isinstance(value, str) else ""
            raise SettingProblem(where, _("one of {names}").format(names=_(", ").join(words)), hint)
        return str(value)

    return read


def whole(least: int, most: int | None = None) -> Reader:
    """A reader of whole numbers within bounds, both included; None for no upper one."""

    def read(where: str, value: Any) -> int:
        if type(value) is not int or value < least or (most is not None and value > most):
            text = (
                _("a whole number from {least} to {most}") if most is not None
                else _("a whole number, {least} or more")
            )  # fmt: skip
            raise SettingProblem(where, text.format(least=least, most=most))
        return value

    return read


def wholes(where: str, value: Any) -> list[int]:
    """A list of whole numbers that is not empty."""
    if not isinstance(value, list) or not value or any(type(each) is not int for each in value):
        raise SettingProblem(where, _("a list of whole numbers"))
    return value


def day(where: str, value: Any) -> date:
    """A day, bare or in quotes."""
    if isinstance(value, str):
        with suppress(ValueError):
            value = date.fromisoformat(value)
    if isinstance(value, datetime) or not isinstance(value, date):
        raise SettingProblem(where, _("a day like 2026-01-01"))
    return value


def language(where: str, value: Any) -> str:
    """A language we speak, or "" for the locale's."""
    if value not in ("", "en", "zh_CN"):
        raise SettingProblem(where, _("en or zh_CN"))
    return str(value)


def duration(where: str, value: Any) -> int:
    """A duration like 24h, in seconds."""
    try:
        return seconds(text(where, value))
    except UsageError:
        raise SettingProblem(where, _("a duration like 24h")) from None


def time_zone(where: str, value: Any) -> str:
    """The IANA name of a time zone that this machine knows."""
    from storeops.times import find_zone

    name = text(where, value)
    try:
        find_zone(name)
    except ConfigError:
        raise SettingProblem(where, _("the name of a time zone, such as Asia/Shanghai")) from None
    return name
