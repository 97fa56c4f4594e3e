"""The first line of every screen: all tabs with their keys, whatever the width.

Where whole titles have no room they are cut to a few letters, on every screen alike; keys without
any letter are the last resort.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tui.cells import cell_width
from tui.widgets.bars import Bar, Piece


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
        gap, titles = titles_for([(each.key, each.title, each.here) for each in entries], width)
        pieces: list[Piece] = []
        for entry, title in zip(entries, titles, strict=True):
            tone = "on" if entry.here else "key"
            key = f"{gap}{entry.key}" + " " * blank(title, gap)
            pieces.append(Piece(key, tone, entry.call, leads=bool(title)))
            pieces.append(Piece(f"{title}{gap or ' '}", "on" if entry.here else "", entry.call))
        self.set(pieces)


def titles_for(tabs: Sequence[tuple[str, str, bool]], width: int) -> tuple[str, list[str]]:
    """The gap around every spec and the titles as far as they fit.

    Args:
        tabs: (key, title, whether it is the screen shown), in order.
        width: cells of the line.

    Returns:
        (" " or "", one title per spec). Cut titles have no `…`: `Cus` says as much as `Cu…`.
    """

    def cells(titles: Sequence[str], gap: str = "") -> int:
        keys = sum(len(gap) + cell_width(key) for key, _title, _here in tabs)
        return keys + sum(blank(each, gap) + cell_width(each) + 1 for each in titles)

    whole = [title for _key, title, _here in tabs]
    for gap in (" ", ""):
        if cells(whole, gap) <= width:
            return gap, whole
    cut = ["" for _each in tabs]  # all alike, so that nothing moves from screen to screen
    while True:  # a letter more for all, as long as there is room
        longer = [whole[at][: len(each) + 1] for at, each in enumerate(cut)]
        if cells(longer) > width:
            break
        cut = longer
    for at, title in enumerate(whole):  # what is left over tells those apart that look alike
        longer = [*cut[:at], title[: len(cut[at]) + 1], *cut[at + 1 :]]
        if cut[at] and any(each[: len(cut[at])] == cut[at] for each in cut[:at] + cut[at + 1 :]):
            cut = longer if cells(longer) <= width else cut
    for missing in (1, 2):  # the rest completes titles
        for at, title in enumerate(whole):
            longer = [*cut[:at], title, *cut[at + 1 :]]
            if len(title) - len(cut[at]) == missing and cells(longer) <= width:
                cut = longer
    return "", cut


def blank(title: str, gap: str) -> int:
    """Blanks between a key and its title: where it is narrow, Chinese needs none."""
    return int(bool(gap) or (title != "" and title.isascii()))
