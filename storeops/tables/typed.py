"""What people typed or pasted, without what programs left in it: the one place for it.

`word` is for ids, names and headings, `phone` for numbers; texts stay as they are, but for the
guards of a CSV (`csv_text`).
"""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import date, datetime, tzinfo

from storeops.clock import MOST_SECONDS, in_seconds
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.spreadsheet import unguarded

# soft hyphen, joiners, direction marks, byte order mark and the like: seen by nobody
_INVISIBLE = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180e\u200b-\u200f"
    "\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)
_LEFT_BY_EXCEL = re.compile(r'=\s*"((?:[^"]|"")*)"\Z', re.DOTALL)
_BETWEEN = re.compile(r"[\s\-()\[\]._·•‐-―−‧・]+")
_SEVERAL = re.compile(r"[/;,、\n|]|或|和")
_MASKED = re.compile(r"\d+\s*-?[*xX×#●•＊＃]{2,}")
_SCIENTIFIC = re.compile(r"(\d)(?:\.(\d+))?[eE]\+?(\d{1,3})\Z")
_WHOLE = re.compile(r"(\d+)\.0+\Z")
_DAY = re.compile(
    r"(\d{4})(?:[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T].*)?|(\d\d)(\d\d))\Z", re.DOTALL
)
_CHINESE_DAY = re.compile(r"(\d{4})[年/.](\d{1,2})[月/.](\d{1,2})日?")
_COMPACT = re.compile(r"(\d{4})(\d\d)(\d\d)(?:(\d\d)(\d\d)(\d\d)?)?\Z")
_PLAIN = re.compile(
    r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]+(\d{1,2}):(\d\d)(?::(\d\d)(?:\.\d+)?)?)?\Z"
)
_UNIX = re.compile(r"\d{10}(\d{3})?(\.\d+)?\Z")
_EXTERNAL = re.compile(r"w[mob][A-Za-z0-9_-]{1,62}\Z")

MASKED, ROUNDED, BAD = "masked_phone", "rounded_phone", "bad_phone"


def word(text: str) -> str:
    """An id, a name or a heading as it was meant: no guard, no invisible mark, no blank around.

    `="wm…"`, `'wm…`, full-width letters and digits, U+200B, U+FEFF, U+202A and NBSP are gone.
    """
    if not text or (text.isascii() and text.isalnum()):
        return text
    text = _INVISIBLE.sub("", text)
    found = _LEFT_BY_EXCEL.match(text.strip())
    if found:
        text = found[1].replace('""', '"')
    text = unicodedata.normalize("NFKC", text).strip()
    return text.lstrip("'").strip() if text.startswith("'") else text


def csv_text(cell: str) -> str:
    """A cell of a CSV as its text was: ours without its guard, Excel's `="…"` without that."""
    found = _LEFT_BY_EXCEL.match(cell.strip()) if cell.lstrip()[:1] == "=" else None
    return found[1].replace('""', '"') if found else unguarded(cell)


def phone(cell: str) -> str:
    """The digits of a phone number however it is written; of what is none, what is left of it.

    0086…, +86 138-…, (86)138…, 138….0, 1.38E+10 with all its digits, full-width and other
    digits, `tel:`.
    """
    if cell.isascii() and cell.isdigit() and len(cell) == 11:
        return cell
    found = word(cell).lower().removeprefix("tel:").strip()
    found = "".join(str(unicodedata.decimal(each)) if each.isdecimal() else each for each in found)
    whole, exact = _WHOLE.match(found), _SCIENTIFIC.match(found)
    if whole:
        found = whole[1]
    elif exact and len(exact[2] or "") >= int(exact[3]):
        found = exact[1] + (exact[2] or "")[: int(exact[3])]
    found = _BETWEEN.sub("", found)
    if found.startswith("+"):
        found = found.lstrip("+")
    elif found.startswith("00"):
        found = found[2:]
    if found.startswith("86") and len(found) == 13:
        found = found[2:]
    return found


def phones(cell: str) -> list[str]:
    """The numbers of a cell with one or several (`138…/139…`), each as `phone` makes it."""
    found = word(cell)
    if _SCIENTIFIC.match(found):
        return [phone(found)]
    return [phone(each) for each in _SEVERAL.split(found) if each.strip()]


def phone_fault(cell: str) -> str:
    """Why a cell is no phone number: MASKED, ROUNDED or BAD; "" when it is one."""
    found = word(cell)
    if _MASKED.search(found):
        return MASKED
    number = phone(found)
    if number.isascii() and number.isdigit() and 5 <= len(number) <= 20:
        return ""
    return ROUNDED if _SCIENTIFIC.match(found) else BAD


def may_be_external_userid(text: str) -> bool:
    """Whether WeCom could have given this id to a customer (doc 92114: wm… and wo…)."""
    return _EXTERNAL.match(text) is not None


def day(text: str) -> date | None:
    """A day as people write it (2026-05-01, 2026/5/1, 2026年5月1日, 20260501), without its time.

    None for "".

    Raises:
        UsageError: it is none.
    """
    plain = word(text)
    if not plain:
        return None
    if found := _DAY.match(plain):
        with suppress(ValueError):
            return date(*(int(each) for each in found.groups() if each))
    raise UsageError(
        _("“{value}” is no day.").format(value=text[:40]), hint=_("Write it as 2026-05-01.")
    )


def moment(text: str, zone: tzinfo) -> int | None:
    """Unix seconds of a moment as files write it; None for what is none.

    2026-05-01 14:30, 2026/5/1 14:30:05, 2026年5月1日, 20260501143005, ISO with an offset, Unix
    seconds and milliseconds.

    Args:
        text: the cell.
        zone: of what names none.
    """
    found = _PLAIN.match(text)
    if found is None:
        text = word(text)
        if _UNIX.match(text):
            return in_seconds(int(text.partition(".")[0]))
        text = _CHINESE_DAY.sub(r"\1-\2-\3", text)
        found = _PLAIN.match(text) or _COMPACT.match(text)
    try:
        if found is not None:
            numbers = [int(each or 0) for each in found.groups()]
            local = datetime(*numbers, tzinfo=zone)  # type: ignore[arg-type,misc]  # six numbers
        else:
            local = datetime.fromisoformat(text)
            if local.tzinfo is None:
                local = local.replace(tzinfo=zone)
        seconds = int(local.timestamp())
    except (ValueError, OverflowError):
        return None
    return seconds if 0 < seconds < MOST_SECONDS else None


# words for one piece; a case, a pack or a kilogram is none of them
PIECES = frozenset(
    ("", "件", "个", "只", "支", "盒", "瓶", "袋", "杯", "罐", "pc", "pcs", "piece", "pieces", "ea",
     "each", "h87")
)  # fmt: skip


def pieces(text: str, unit: str = "") -> float:
    """A number of pieces, 0 or more.

    Args:
        text: the cell.
        unit: what a column beside it says that it counts.

    Raises:
        UsageError: it is none, or negative, or counts something else.
    """
    if unit.casefold() not in PIECES:
        raise UsageError(
            _("“{value}” is no unit of pieces; write how many pieces they are").format(
                value=unit[:20]
            )
        )
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        found = -1.0
    if not 0 <= found < 1e9:
        raise UsageError(_("“{value}” is no number of pieces.").format(value=text[:20]))
    return found
