"""Keys one after another: what one does is done before the next one is looked at.

Textual hands every key to whatever has the focus when it arrives. Of keys that arrive together
(a quick typist on a slow line, a busy machine) the later ones therefore went to where the first one
had not yet led away from: of `/wang` the letters were verbs of the list.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

from textual import events
from textual.app import App
from textual.dom import DOMNode

# a message that a handler posts to its own widget stands behind our first look, not the second
LOOKS = 2
# keys that lead nowhere else: held down, each would cost as much again as what it does
MOVES = {
    **dict.fromkeys(("up", "down", "pageup", "pagedown"), "rows"),
    **dict.fromkeys(("left", "right", "home", "end"), "sideways"),
}
LOOK_S = 0.01  # between looks at what is read
PATIENCE_S = 1.0  # a widget that is taken away handles nothing any more


class KeyQueue:
    """Keys and pasted text of an application that wait for those before them.

    Args:
        app: handles them.
        handle: hands one on, as Textual does by itself.
        reading: whether something is being read that a window may be waiting for.

    Attributes:
        busy: whether what a key does is not done yet.
    """

    def __init__(
        self,
        app: App[Any],
        handle: Callable[[events.Key | events.Paste], Awaitable[None]],
        reading: Callable[[], bool],
    ) -> None:
        self._app = app
        self._handle = handle
        self._reading = reading
        self._waiting: deque[events.Key | events.Paste] = deque()
        self._turn = 0
        self._run = ""  # what was handed on last, and is perhaps not done yet
        self._since: tuple[DOMNode, bool] = (app, True)  # where a run began, and as `_look` wants
        self.busy = False

    async def take(self, event: events.Key | events.Paste) -> None:
        """Hand a key on, at once when none is under way."""
        self._waiting.append(event)
        if not self.busy:
            await self._next()

    async def _next(self) -> None:
        self.busy = bool(self._waiting)
        while self.busy:
            run = self._run_of(self._waiting[0])
            if self._run and run != self._run:
                self._run = ""
                self._wait(*self._since)
                return
            event = self._waiting.popleft()
            here = self._app.focused or self._app.screen, not self._reading()
            if not self._run:
                self._since = here
            await self._handle(event)
            if not run:
                self._wait(*here)
                return
            self._run = run
            self.busy = bool(self._waiting)

    def _run_of(self, event: events.Key | events.Paste) -> str:
        """With which others a key is handed on at once, for it leads nowhere: letters of a text,
        moves to other rows, moves sideways; "" where it may lead to what the next ones are for."""
        if not isinstance(event, events.Key):
            return ""
        focused = self._app.focused
        if focused is not None and focused.check_consume_key(event.key, event.character):
            return "letters"
        return MOVES.get(event.key, "")

    def _wait(self, where: DOMNode, begins: bool) -> None:
        """Go on when what was handed on is done: a key with priority does not queue behind it."""
        self._turn += 1
        self._timer = self._app.set_timer(PATIENCE_S, partial(self._over, self._turn))
        self._settle(where, partial(self._look, self._turn, begins))

    def _look(self, turn: int, begins: bool) -> None:
        """Where the key led to; `begins`: what is being read was asked for by this key."""
        self._settle(self._app.screen, partial(self._looked, turn, begins))

    async def _looked(self, turn: int, begins: bool) -> None:
        if begins and self._reading():
            self._app.set_timer(LOOK_S, partial(self._look, turn, begins))
        else:
            await self._over(turn)

    async def _over(self, turn: int) -> None:
        if turn == self._turn:
            self._timer.stop()
            await self._next()

    def _settle(self, where: DOMNode, then: Callable[[], object]) -> None:
        """Call `then` when `where`, all around it and the application have handled what waits
        there, and what came of that: the way of a key that bubbles."""
        path = [each for each in where.ancestors_with_self if each is not self._app]
        self._climb([each for each in (*path, self._app) for _look in range(LOOKS)], then)

    def _climb(self, path: list[Any], then: Callable[[], object]) -> None:
        while path:
            node, *path = path
            if node.call_later(self._climb, path, then):
                return
        self._app.call_later(then)
