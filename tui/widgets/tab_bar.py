"""The first line of every screen: the tabs with their keys, whatever the width.

Titles are never cut. Where they have no room on one line they stand on several leaves, and the
one with the tab shown is seen; the end of the line says how many there are besides, and leads to
them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.cells import cell_width
from tui.widgets.bars import Bar, Piece

ROOMY, CLOSE = 2, 1  # blanks around keys, only behind them


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
    """How much room is for blanks, and the titles that fit.

    Args:
        tabs: (key, title, whether it is the screen shown), in order.
        width: cells of the line.

    Returns:
        (ROOMY or CLOSE; which tabs are seen; one title for each of those).
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


def between(key: str, title: str, blanks: int) -> int:
    """Blanks between a key and its title: Chinese needs none."""
    return int(blanks == ROOMY or (title != "" and title.isascii()))
