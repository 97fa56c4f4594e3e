"""Textual's terminal driver, with two habits of ours.

It draws on the terminal also when stderr goes to a file (`storeops tui 2>errors.txt`), and what is
pasted stays text: Textual 8 takes the characters after a raw ESC inside a paste for keys, so that
a copied nickname could press them.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable

from textual._xterm_parser import XTermParser
from textual.app import App
from textual.drivers import linux_driver
from textual.message import Message

BEGIN, END = "\x1b[200~", "\x1b[201~"  # what a terminal puts around a paste
SHOWN = "\u241b"  # ␛, in the place of a raw ESC


class Pastes:
    """Takes every ESC out of pasted text; what was typed goes through at once, as it is."""

    def __init__(self) -> None:
        self._inside = False
        self._tail = ""  # outside: the last characters let through; inside: held back

    def clean(self, piece: str) -> str:
        """The next piece of what the terminal sent; pieces may be cut anywhere."""
        out = []
        while piece:
            step = self._pasted if self._inside else self._typed
            clean, piece = step(piece)
            out.append(clean)
        return "".join(out)

    def _typed(self, piece: str) -> tuple[str, str]:
        """What goes through up to the beginning of a paste, and the rest."""
        begin = (self._tail + piece).find(BEGIN)
        if begin < 0:
            self._tail = (self._tail + piece)[1 - len(BEGIN) :]
            return piece, ""
        cut = begin + len(BEGIN) - len(self._tail)
        self._inside, self._tail = True, ""
        return piece[:cut], piece[cut:]

    def _pasted(self, piece: str) -> tuple[str, str]:
        """What goes through up to the end of the paste, and the rest."""
        text, end, rest = (self._tail + piece).partition(END)
        self._inside, self._tail = not end, ""
        if not end:  # the last characters may be the beginning of the end
            kept = next((n for n in range(len(END) - 1, 0, -1) if text.endswith(END[:n])), 0)
            text, self._tail = text[: len(text) - kept], text[len(text) - kept :]
        return text.replace("\x1b", SHOWN) + end, rest


class PasteParser(XTermParser):
    """Textual's parser of what a terminal sends, over `Pastes`."""

    def __init__(self, debug: bool = False) -> None:
        super().__init__(debug)
        self._pastes = Pastes()

    def feed(self, data: str) -> Iterable[Message]:
        """The messages in `data`; "" is the end of all."""
        clean = self._pastes.clean(data)
        return super().feed(clean) if clean or not data else ()


# the driver's thread takes its parser by this name and offers no other way
linux_driver.XTermParser = PasteParser  # type: ignore[attr-defined]


class TerminalDriver(linux_driver.LinuxDriver):
    """Draws on stderr like Textual's own, or on stdout when stderr is no terminal."""

    def __init__(
        self,
        app: App[object],
        *,
        debug: bool = False,
        mouse: bool = True,
        size: tuple[int, int] | None = None,
    ) -> None:
        super().__init__(app, debug=debug, mouse=mouse, size=size)
        out = sys.__stdout__
        if out is not None and out.isatty() and not (sys.__stderr__ and sys.__stderr__.isatty()):
            self._file = out
