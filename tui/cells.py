"""What a stranger wrote, as cells of a terminal.

`storeops.plain` neutralises; on top of it the screens drop what terminals, tmux and Textual
measure differently (skin tones, flags), so that a row never breaks its columns.
"""

from __future__ import annotations

import re
from functools import lru_cache
from zlib import crc32

from rich.cells import cell_len

from storeops.plain import ELLIPSIS, cell_width, fit, pad, plain
from storeops.times import minute

__all__ = ["ELLIPSIS", "align", "cell_width", "chip", "fit", "fit_last", "lines",
           "moment", "pad", "shown"]  # fmt: skip

# what nearly all names are made of, and nobody measures differently
_HARMLESS = re.compile("[ -~\u4e00-\u9fff\u3001-\u3011\uff01-\uff5e]*")
_SKIN = re.compile("[\U0001f3fb-\U0001f3ff]")
_FLAG = re.compile("[\U0001f1e6-\U0001f1ff]")
_LONE = re.compile(
    "^[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]"
)


def shown(text: str) -> str:
    """`text` on one line, safe to print, measured alike by `cell_width` and by Textual.

    Args:
        text: anything, for example a nickname.

    Returns:
        Printable text without control, direction, joiner, skin tone and flag characters.
    """
    if _HARMLESS.fullmatch(text):
        return text
    text = plain(text)
    if text.isascii():
        return text
    text = _SKIN.sub("", text)
    text = _FLAG.sub(lambda match: chr(ord(match[0]) - 0x1F1E6 + ord("A")), text)
    text = "".join(each if each.isascii() or _agreed(each) else "·" for each in text)
    return _LONE.sub(lambda match: "◌" + match[0], text)


@lru_cache(maxsize=8192)
def _agreed(character: str) -> bool:
    """Whether we and Textual measure it alike; fillers and other invisible letters are not."""
    return cell_len(character) == cell_width(character)


@lru_cache(maxsize=1024)
def chip(group: str) -> str:
    """The style of a group of tags (`chip0` … `chip5`): the same wherever the group is named."""
    return f"chip{crc32(group.encode()) % 6}"


def lines(text: str) -> list[str]:
    """`text` line by line, each `shown`; for paragraphs (notes, descriptions)."""
    return [shown(each) for each in text.replace("\r\n", "\n").split("\n")]


@lru_cache(maxsize=4096)
def align(text: str, width: int, *, right: bool = False, last: bool = False) -> str:
    """`text` (already `shown`) cut with `…` and filled to exactly `width` cells.

    Args:
        text: the text.
        width: cells.
        right: filled at the left.
        last: its last word stays when it is cut.
    """
    return pad((fit_last if last else fit)(text, width), width, right=right)


def fit_last(text: str, width: int) -> str:
    """`text` in at most `width` cells; what is cut is the end of all but its last word."""
    if cell_width(text) <= width:
        return text
    head, blank, tail = text.rpartition(" ")
    room = width - cell_width(tail) - 1
    return f"{fit(head, room)} {tail}" if blank and room >= 3 else fit(text, width)


def moment(at: float | None, now: float) -> str:
    """A time for a table: `05-18 12:00`, of another year `2025-05-18`; "" for none.

    Args:
        at: Unix seconds.
        now: Unix seconds.
    """
    if not at:
        return ""
    text = minute(at)
    return text[5:] if text[:4] == minute(now)[:4] else text[:10]
