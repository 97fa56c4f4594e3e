"""What comes up from back offices while head office serves: taken in, decided, carried out.

Taking in answers the back office when the request is on the disk. Deciding and sending go on beside
publishing, each in a thread of its own; both begin where a crash left them. What the server itself
refuses is heard of in two ways: it tells the system account whom it does not let in, and writes
what a connection has no right to into its log, which is read where head office runs the server.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import re
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from storeops.changes import elsewhere
from storeops.changes.ledger import Ledger
from storeops.errors import StoreOpsError
from storeops.hub import attempts, deciding, requests, state
from storeops.hub import settings as hub_settings

if TYPE_CHECKING:
    from nats.aio.msg import Msg

    from storeops.hub.wiring import OfficeWiring

LOOK_S = 1.0  # between two looks at what waits, when nothing came
REST_S = 30.0  # before sending is tried again after trouble
READ = 262_144  # bytes of the server's log at a time
REFUSED_ENTRY = "$SYS.SERVER.*.CLIENT.AUTH.ERR"
_NO_RIGHT = re.compile(
    r"jwt:(?P<who>U[A-Z2-7]{55})\".{0,40}(?P<what>Publish|Subscription) Violation"
    r".{0,40}Subject \"(?P<subject>[^\"]{0,200})\""
)
_log = logging.getLogger(__name__)


class Upward:
    """Requests of back offices, as long as head office serves.

    Args:
        app: head office.
        stop: ends sending after what is in flight.
    """

    def __init__(self, app: OfficeWiring, stop: threading.Event) -> None:
        self._app = app
        self._stop = stop
        self._deciding: asyncio.Task[int] | None = None
        self._sending: asyncio.Task[None] | None = None
        self._looked = -LOOK_S
        self._came = False
        self._rest_until = 0.0
        log = hub_settings.file(app.profile.name).with_name("server.log")
        self._log = _LogTail(log)

    # -- taking in -----------------------------------------------------------------------------

    async def take(self, message: Msg) -> None:
        """Answer one message of a back office; without an answer it is sent again."""
        try:
            store = int(message.subject.rpartition(".")[2])
        except ValueError:
            return
        with suppress(StoreOpsError):
            answer = await asyncio.to_thread(
                requests.receive, self._app.ledger, store, bytes(message.data)
            )
            await asyncio.to_thread(self._app.secure)  # what it is told is so at both hosts
            self._came = self._came or answer.get("taken") == "new"
            await message.respond(json.dumps(answer).encode())

    async def hear(self, message: Msg) -> None:
        """The server did not let somebody in."""
        try:
            told = json.loads(message.data)
            client = told["client"]
            who = str(client.get("name") or client.get("host") or "-")
            detail = f"{client.get('host', '-')}: {told.get('reason', '-')}"
        except (ValueError, KeyError, TypeError, AttributeError):
            return
        await asyncio.to_thread(_note, self._app.ledger, [("not_let_in", who, detail)])

    # -- deciding and sending ------------------------------------------------------------------

    async def turn(self) -> bool:
        """Go on with what waits; whether something is under way."""
        if time.monotonic() - self._looked >= LOOK_S or self._came:
            self._looked, self._came = time.monotonic(), False
            if self._deciding is None or self._deciding.done():
                self._deciding = asyncio.create_task(asyncio.to_thread(self._decide))
            if (self._sending is None or self._sending.done()) and (
                time.monotonic() >= self._rest_until
            ):
                self._sending = asyncio.create_task(asyncio.to_thread(self._send))
        both = (self._deciding, self._sending)
        return any(each is not None and not each.done() for each in both)

    async def end(self) -> None:
        """Wait for what is under way; the caller has set `stop`, or the loop ends."""
        for each in (self._deciding, self._sending):
            if each is not None:
                await asyncio.wait([each])
                if not each.cancelled():
                    each.exception()

    def _decide(self) -> int:
        try:
            told = [each for line in self._log.lines() for each in _violations(line)]
            if told:
                _note(self._app.ledger, self._named(told))
            return deciding.go_on(self._app)
        except StoreOpsError as error:
            _log.warning("requests wait: %s", error.message)
            return 0

    def _named(self, told: list[tuple[str, str, str]]) -> list[tuple[str, str, str]]:
        codes = dict(self._app.data.execute("SELECT user, code FROM hub_store").fetchall())
        return [(what, codes.get(who, who), detail) for what, who, detail in told]

    def _send(self) -> None:
        try:
            data = self._app.data
            begun = state.number(data.connection, state.BEGUN)
            left = elsewhere.begun_elsewhere(data, begun)
            if begun and left is None:  # what is paused, and resumed one day, waits for its person
                with data.atomic() as connection:
                    state.write(connection, state.BEGUN, 0)
            plan = elsewhere.asked_for(data) if left is None else left
            if plan is not None and not self._stop.is_set():
                self._app.worker(stop=self._stop).run(plan_id=plan)
        except StoreOpsError as error:
            _log.warning("what waits cannot be sent: %s", error.message)
            self._rest_until = time.monotonic() + REST_S


def _note(ledger: Ledger, told: list[tuple[str, str, str]]) -> None:
    with ledger.db.atomic() as connection:
        for what, who, detail in told:
            attempts.record(ledger, connection, what, who, detail)
    ledger.journal.seal(ledger.db, ledger.clock.now())


def _violations(line: str) -> list[tuple[str, str, str]]:
    found = _NO_RIGHT.search(line)
    if found is None:
        return []
    return [("no_right", found["who"], f"{found['what'].lower()} {found['subject']}")]


class _LogTail:
    """Lines that are written to a file from now on; a file made anew is read from its start."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._left = b""
        try:
            self._at = path.stat().st_size
        except OSError:
            self._at = 0

    def lines(self) -> list[str]:
        """Lines since the last look, at most READ bytes of them."""
        with suppress(OSError):
            if self._path.stat().st_size < self._at:
                self._at, self._left = 0, b""
            with self._path.open("rb") as file:
                file.seek(self._at, os.SEEK_SET)
                data = file.read(READ)
            self._at += len(data)
            *whole, self._left = (self._left + data).split(b"\n")
            return [each.decode("utf-8", "replace") for each in whole]
        return []
