"""The first line of every screen: the tabs with their keys, whatever the width.

Where whole titles have no room they are cut to a few letters, on every screen alike; where a few
letters have none either, whole titles stand on several leaves, and the one with the tab shown is
seen. The end of the line says how many there are besides, and leads to them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.cells import cell_width
from tui.widgets.bars import Bar, Piece

ROOMY, CLOSE, TIGHT = 2, 1, 0  # blanks around keys, only behind them, only where letters would meet
LEAST = 3  # letters that must be left of every title


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

    def put(self, entries: Sequence[Entry], width: int, more: Callable[[], object]) -> None:
        """Show tabs on a line of `width` cells; `more` opens what finds the others."""
        tabs = [(each.key, each.title, each.here) for each in entries]
        blanks, seen, titles = titles_for(tabs, width)
        gap = " " * (blanks == ROOMY)
        pieces: list[Piece] = []
        for entry, title in zip(entries[seen.start : seen.stop], titles, strict=True):
            tone = "on" if entry.here else "key"
            key = f"{gap}{entry.key}" + " " * between(entry.key, title, blanks)
            pieces.append(Piece(key, tone, entry.call, leads=bool(title)))
            pieces.append(Piece(f"{title}{gap or ' '}", "on" if entry.here else "", entry.call))
        if others := len(entries) - len(seen):
            pieces += [Piece(":", "key", more, leads=True), Piece(f"+{others} ", "dim", more)]
        self.set(pieces)


def titles_for(tabs: Sequence[tuple[str, str, bool]], width: int) -> tuple[int, range, list[str]]:
    """How much room is for blanks, and the titles as far as they fit.

    Args:
        tabs: (key, title, whether it is the screen shown), in order.
        width: cells of the line.

    Returns:
        (ROOMY, CLOSE or TIGHT; which tabs are seen; one title for each of those). Cut titles have
        no `…`: `Cus` says as much as `Cu…`.
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
    every = range(len(tabs))
    for blanks in (ROOMY, CLOSE):
        if cells(whole, blanks) <= width:
            return blanks, every, whole
    for blanks in (CLOSE, TIGHT):
        cut = _cut(whole, lambda titles: cells(titles, blanks) <= width)  # noqa: B023, used at once
        if all(len(each) >= min(LEAST, len(title)) for each, title in zip(cut, whole, strict=True)):
            return blanks, every, cut
    seen = _leaf(tabs, width - len(f":+{len(tabs)} "))
    return CLOSE, seen, whole[seen.start : seen.stop]


def _leaf(tabs: Sequence[tuple[str, str, bool]], width: int) -> range:
    """The tabs that stand on one line with the tab shown; the same leaves whichever is shown."""
    start, taken = 0, 0
    shown = next((at for at, (_key, _title, here) in enumerate(tabs) if here), 0)
    for at, (key, title, _here) in enumerate(tabs):
        size = cell_width(key) + between(key, title, CLOSE) + cell_width(title) + 1
        if taken + size > width and at > start:
            if shown < at:
                return range(start, at)
            start, taken = at, 0
        taken += size
    return range(start, len(tabs))


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
