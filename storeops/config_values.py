"""Values of config.toml, read one by one: each function gives the value or says what it expected.

Every reader takes (where, value): the key for the complaint, and what TOML made of the text.
"""

from __future__ import annotations

import re
from typing import Any

from storeops.durations import seconds
from storeops.errors import ConfigError, UsageError
from storeops.i18n import N_, _

_LOOPBACK = re.compile(r"http://(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?\Z")
_HTTPS = re.compile(r"https://[A-Za-z0-9.-]+(:\d{1,5})?\Z")


class SettingProblem(Exception):
    """A value that cannot be used: where, what is expected."""

    def __init__(self, where: str, expected: str) -> None:
        super().__init__(where)
        self.where = where
        self.expected = expected


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


def kinds(where: str, value: Any) -> tuple[str, ...]:
    """A list of texts."""
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise SettingProblem(where, _("a list of texts"))
    return tuple(value)


def language(where: str, value: Any) -> str:
    """A language we speak, or "" for the locale's."""
    if value not in ("", "en", "zh_CN"):
        raise SettingProblem(where, _("en or zh_CN"))
    return str(value)


def stale(where: str, value: Any) -> int:
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
