"""Bars of one line: clickable pieces at the left and at the right, cut at cells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual import events
from textual.strip import Strip
from textual.widget import Widget

from tui.cells import cell_width, fit

TONES = (
    "key", "on", "dim", "good", "warn", "bad", "mark", "place", "edge", "bright", "head", "title",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a bar.

    Attributes:
        text: already `shown`.
        tone: "", or one of `TONES`.
        call: what a click does.
        leads: shown only together with the next piece.
    """

    text: str
    tone: str = ""
    call: Callable[[], object] | None = None
    leads: bool = False


BLANK = Piece(" ")


class Bar(Widget):
    """One line of pieces; those that do not fit at the end of the left side are left out."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"bar--{tone}" for tone in TONES}
    DEFAULT_CSS = """
    Bar { height: 1; width: 1fr; background: $panel; color: $foreground;
        & > .bar--key { color: $accent; text-style: bold; }
        & > .bar--on { background: $primary; color: $text; text-style: bold; }
        & > .bar--dim { color: $text-muted; }
        & > .bar--good { color: $text-success; }
        & > .bar--warn { color: $text-warning; text-style: bold; }
        & > .bar--bad { color: $text-error; text-style: bold; }
    }
    """

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._left: Sequence[Piece] = ()
        self._right: Sequence[Piece] = ()
        self._filling = BLANK
        self._areas: list[tuple[int, int, Piece]] = []

    def set(
        self, left: Sequence[Piece], right: Sequence[Piece] = (), *, filling: Piece | None = None
    ) -> None:
        """Show other pieces; `filling` is one character that stands between left and right."""
        shown = (left, right, filling or BLANK)
        if shown != (self._left, self._right, self._filling):
            self._left, self._right, self._filling = shown
            self.refresh()

    @property
    def text(self) -> str:
        """What is shown, for tests and for copying."""
        return "".join(piece.text for piece in (*self._left, *self._right))

    def render_line(self, y: int) -> Strip:
        """The line."""
        width = self.size.width
        base = self.rich_style
        right = list(self._right)
        while right and sum(cell_width(piece.text) for piece in right) > width * 2 // 3:
            right.pop(0)
        room = width - sum(cell_width(piece.text) for piece in right)
        segments: list[Segment] = []
        self._areas = []
        at = 0

        def put(piece: Piece, text: str) -> None:
            nonlocal at
            style = self.get_component_rich_style(f"bar--{piece.tone}") if piece.tone else base
            segments.append(Segment(text, style))
            self._areas.append((at, at + cell_width(text), piece))
            at += cell_width(text)

        for number, piece in enumerate(self._left):
            tight = piece.text.rstrip()
            text = piece.text if at + cell_width(piece.text) <= room else fit(tight, room - at)
            follower = self._left[number + 1] if piece.leads else None
            if follower is not None:
                both = at + cell_width(piece.text) + cell_width(follower.text.rstrip())
                if both > room:
                    break
            if text.rstrip() != piece.text.rstrip() and piece.call is not None:
                break  # half a button is none
            if text:
                put(piece, text)
        if at < room:
            put(self._filling, self._filling.text * (room - at))
        for piece in right:
            put(piece, piece.text)
        return Strip(segments, at)

    def on_click(self, event: events.Click) -> None:
        """Do what the piece under the mouse does."""
        for start, end, piece in self._areas:
            if start <= event.x < end and piece.call is not None:
                event.stop()
                piece.call()
                return
