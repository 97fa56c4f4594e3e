"""The first line of every screen: all tabs with their keys, whatever the width.

Where whole titles have no room they are cut to a few letters, on every screen alike; keys without
any letter are the last resort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.cells import cell_width
from tui.widgets.bars import Bar, Piece

ROOMY, CLOSE, TIGHT = 2, 1, 0  # blanks around keys, only behind them, only where letters would meet
LEAST = 3  # letters that must be left of every title before blanks go


@dataclass(frozen=True, slots=True)
class Entry:
    """A spec on the line.

    Attributes:
        key: opens it.
        title: translated.
        here: whether it is the screen shown.
        call: what a click does.
    """

    key: str
    title: str
    here: bool
    call: Callable[[], object]


class TabBar(Bar):
    """The line of tabs; fits itself to every width."""

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._entries: Sequence[Entry] = ()

    def put(self, entries: Sequence[Entry], width: int) -> None:
        """Show tabs on a line of `width` cells."""
        blanks, titles = titles_for([(each.key, each.title, each.here) for each in entries], width)
        gap = " " * (blanks == ROOMY)
        pieces: list[Piece] = []
        for entry, title in zip(entries, titles, strict=True):
            tone = "on" if entry.here else "key"
            key = f"{gap}{entry.key}" + " " * between(entry.key, title, blanks)
            pieces.append(Piece(key, tone, entry.call, leads=bool(title)))
            pieces.append(Piece(f"{title}{gap or ' '}", "on" if entry.here else "", entry.call))
        self.set(pieces)


def titles_for(tabs: Sequence[tuple[str, str, bool]], width: int) -> tuple[int, list[str]]:
    """How much room is for blanks, and the titles as far as they fit.

    Args:
        tabs: (key, title, whether it is the screen shown), in order.
        width: cells of the line.

    Returns:
        (ROOMY, CLOSE or TIGHT; one title per tab). Cut titles have no `…`: `Cus` says as much as
        `Cu…`.
    """

    def cells(titles: Sequence[str], blanks: int) -> int:
        return sum(
            (blanks == ROOMY)
            + cell_width(key)
            + between(key, title, blanks)
            + cell_width(title)
            + 1
            for (key, _title, _here), title in zip(tabs, titles, strict=True)
        )

    whole = [title for _key, title, _here in tabs]
    for blanks in (ROOMY, CLOSE):
        if cells(whole, blanks) <= width:
            return blanks, whole
    cut = _cut(whole, lambda titles: cells(titles, CLOSE) <= width)
    if all(len(each) >= min(LEAST, len(title)) for each, title in zip(cut, whole, strict=True)):
        return CLOSE, cut
    return TIGHT, _cut(whole, lambda titles: cells(titles, TIGHT) <= width)


def _cut(whole: Sequence[str], fits: Callable[[Sequence[str]], bool]) -> list[str]:
    """Titles cut until they fit."""
    cut = ["" for _each in whole]  # all alike, so that nothing moves from screen to screen
    while True:  # a letter more for all, as long as there is room
        longer = [whole[at][: len(each) + 1] for at, each in enumerate(cut)]
        if longer == cut or not fits(longer):
            break
        cut = longer
    for at, title in enumerate(whole):  # what is left over tells those apart that look alike
        longer = [*cut[:at], title[: len(cut[at]) + 1], *cut[at + 1 :]]
        if cut[at] and any(each[: len(cut[at])] == cut[at] for each in cut[:at] + cut[at + 1 :]):
            cut = longer if fits(longer) else cut
    for missing in (1, 2):  # the rest completes titles
        for at, title in enumerate(whole):
            longer = [*cut[:at], title, *cut[at + 1 :]]
            if len(title) - len(cut[at]) == missing and fits(longer):
                cut = longer
    return cut


def between(key: str, title: str, blanks: int) -> int:
    """Blanks between a key and its title: Chinese needs none, where it is tight no digit does."""
    if blanks == ROOMY:
        return 1
    return int(title != "" and title.isascii() and (blanks == CLOSE or key.isalpha()))
