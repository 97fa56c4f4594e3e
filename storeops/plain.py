"""Untrusted text as plain text: nicknames and remarks are written by strangers.

`plain` is for people's eyes (tables, notices, screens): nothing in it moves a cursor, starts an
escape sequence or turns the reading direction. Widths are terminal cells, not characters.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

# C0, DEL, C1, bidi marks and isolates, line and paragraph separators, lone surrogates, BOM, tags
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028\u2029\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
# joiners and variation selectors change widths differently in every terminal
_JOINERS = re.compile("[\u200c\u200d\ufe00-\ufe0f]")
_MARK = "[\u0300-\u036f\u0483-\u0489\u20d0-\u20ff]"
_STACKED = re.compile(f"({_MARK}{{3}}){_MARK}+")
# a mainland mobile number as people write it: +86 before it, in groups, full-width
_PHONE = re.compile(
    r"(?<!\d)((?:(?:[+＋]|00|００)?(?:86|８６)[ -]?)?[1１][3-9３-９]\d[ -]?)\d{4}([ -]?\d{4})(?!\d)"
)
MASKED = re.compile(r"[1１][3-9３-９]\d[ -]?\*{4}[ -]?\d{4}(?!\d)")  # as `mask_phones` leaves it
ELLIPSIS = "…"


def seen_whole(text: str) -> bool:
    """Whether nothing in a text is hidden: a control or direction mark, a blank at an end."""
    return not _UNSAFE.search(text) and text == text.strip()


def file_word(text: str, most: int) -> str:
    """A text as a name of files, folders and the like: letters, digits, `_`, `.` and `-`.

    What is changed for it, or cut, ends with a few digits of the text's hash, so that two texts
    never become one name; none begins with a dot.

    Args:
        text: anything.
        most: characters, at least 8.
    """
    word = re.sub(r"[^\w.-]|^\.", "-", text)
    if word == text and 0 < len(text) <= most:
        return text
    import hashlib

    digits = hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:6]
    return f"{word[: most - 7]}-{digits}"


@lru_cache(8_192)  # a filter of a shop compares with the name of every shop, at each key
def alike(name: str) -> str:
    """One spelling for names that people cannot tell apart, to compare them by.

    Case, full-width and compatibility forms, invisible marks and repeated blanks make no
    difference: `Ａnn `, `ann` and `Ann` with a zero-width space are one name.
    """
    if not name.isascii():
        import unicodedata  # 2 ms, only when something is not ASCII

        name = unicodedata.normalize("NFKC", _JOINERS.sub("", _UNSAFE.sub(_blank, name)))
    return " ".join(name.casefold().split())


def _blank(match: re.Match[str]) -> str:
    return " " if match[0].isspace() else ""


def _picture(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code < 0x20:
        return chr(0x2400 + code)  # ␀ ␛ ␊
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"<{code:04X}>"


def plain(text: str) -> str:
    """`text` on one line, with control and direction characters made visible.

    ESC becomes ␛, a line break ␊, U+202E `<202E>`, a lone surrogate U+FFFD; emoji joiners are
    dropped, so that widths are the same in every terminal. Printable text comes back unchanged.
    """
    if text.isascii() and text.isprintable():
        return text
    text = _UNSAFE.sub(_picture, text)
    text = _JOINERS.sub("", text)
    return _STACKED.sub(r"\1", text)


def plain_lines(text: str) -> str:
    """Like `plain`, but line breaks stay: for paragraphs of our own around untrusted words."""
    return "\n".join(plain(line) for line in text.split("\n"))


@lru_cache(maxsize=8192)
def _char_width(char: str) -> int:
    import unicodedata  # 2 ms, only when something is not ASCII

    if unicodedata.category(char) in ("Mn", "Me", "Cf"):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cell_width(text: str) -> int:
    """Terminal cells that `text` (already `plain`) takes: 2 for a Chinese character."""
    if text.isascii():
        return len(text)
    return sum(map(_char_width, text))


def fit(text: str, width: int) -> str:
    """`text` (already `plain`) cut to at most `width` cells; a cut ends in `…`."""
    if cell_width(text) <= width:
        return text
    if width <= 0:
        return ""
    kept: list[str] = []
    room = width - 1
    for char in text:
        room -= _char_width(char)
        if room < 0:
            break
        kept.append(char)
    return "".join(kept) + ELLIPSIS


def pad(text: str, width: int, *, right: bool = False) -> str:
    """`text` (already `plain`) filled with blanks to `width` cells; `right` aligns right."""
    blanks = " " * max(0, width - cell_width(text))
    return blanks + text if right else text + blanks


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` cells; breaks at blanks, and between wide characters."""
    lines: list[str] = []
    for paragraph in text.split("\n"):
        line = ""
        for piece in _PIECES.findall(paragraph):
            if line and cell_width(line) + cell_width(piece.rstrip()) > width:
                lines.append(line.rstrip())
                line = piece.lstrip()
            else:
                line += piece
        lines.append(line.rstrip())
    return lines


# a run of narrow characters with its blanks, or one wide character with punctuation that must
# not begin a line
_CLOSING = "，。；：、！？）】》”’…,.;:!?)"
_PIECES = re.compile(rf"[^\s\u2e80-\uffff]+\s*|[\u2e80-\uffff][{_CLOSING}]*\s*|\s+")


def mask_phone(phone: str) -> str:
    """A phone number without its middle: 138****0000; other numbers keep their last two."""
    masked = _PHONE.sub(r"\1****\2", phone)
    if masked != phone:
        return masked
    return "*" * max(0, len(phone) - 2) + phone[-2:] if phone else phone


def mask_phones(text: str) -> str:
    """Free text (a remark) with every mainland mobile number masked."""
    return _PHONE.sub(r"\1****\2", text)


def masked(value: Any, *, phone: bool = False) -> Any:
    """JSON types with every phone number in them masked, whether it is a text or a number.

    Args:
        value: a value, or what holds some.
        phone: whether each is a phone number whatever it looks like, as under `remark_mobiles`.
    """
    if isinstance(value, Mapping):
        return {
            key: masked(each, phone=phone or key == "remark_mobiles") for key, each in value.items()
        }
    if isinstance(value, list | tuple):
        return [masked(each, phone=phone) for each in value]
    if isinstance(value, str | int) and not isinstance(value, bool):
        text = str(value)
        hidden = mask_phone(text) if phone else mask_phones(text)
        return value if hidden == text else hidden
    return value
