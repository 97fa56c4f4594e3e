"""The call being served: its global settings and its App, opened when first asked for.

A command asks for both:

```python
from commands.context import current

call = current()
customers = some_operation(call.app.data, call.app.clock)   # opens data.db here, not before
```

Long work that Ctrl-C may end in good order:

```python
with call.interruptible(resume="storeops sync run") as stop:      # a threading.Event
    result = run_sync(..., stop=stop)                # ends after the call in flight, commits
```
The first Ctrl-C sets the event; leaving the block then ends the command with exit code 130 and the
line that resumes it. A second Ctrl-C interrupts at once.
"""

from __future__ import annotations

import signal
import sys
import threading
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from queue import SimpleQueue
from typing import TYPE_CHECKING, Any

from storeops.errors import StoreOpsError, UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.app import App


@dataclass(frozen=True, slots=True)
class Settings:
    """The global options, merged from before and after the command's words.

    Attributes:
        profile: `--profile`, "" when not given.
        format: table | wide | json | ndjson | csv; "" for what suits stdout (a table).
        fields: `--fields`, in order; empty for all.
        save: `--save`, the file that a list becomes; "" for stdout.
        detailed: a plan with something to change ends with 10.
        dry_run: said to a planner, which sends nothing with or without it.
        over: `--force`, replace that file without asking.
        header: False with `--no-header`.
        bom: CSV begins with a byte order mark.
        quiet: no notes and no progress on stderr.
        as_name: `--as`, the person at a shared PC.
        read_only: refuse every change.
        verbose: show tracebacks of bugs, log more.
    """

    profile: str = ""
    format: str = ""
    fields: tuple[str, ...] = ()
    save: str = ""
    detailed: bool = False
    dry_run: bool = False
    over: bool = False
    header: bool = True
    bom: bool = False
    quiet: bool = False
    as_name: str = ""
    read_only: bool = False
    verbose: bool = False

    @property
    def machine(self) -> bool:
        """Whether a program reads the answer: `--json`, `--ndjson` or `--csv`."""
        return self.format in ("json", "ndjson", "csv")


class Interrupted(Exception):
    """Ctrl-C, after the work was put down in good order.

    Args:
        resume: the command line that goes on, "" when there is nothing to resume.
        terminated: a signal of the system (SIGTERM) asked for it, not a person.
    """

    def __init__(self, resume: str = "", *, terminated: bool = False) -> None:
        super().__init__(resume)
        self.resume = resume
        self.terminated = terminated


class Invocation:
    """One run of one command."""

    def __init__(self) -> None:
        self.settings = Settings()
        self.options: frozenset[str] = frozenset()  # names of the options of the command that runs
        self.path = ""  # the words of that command: "customer list"
        self._given: dict[str, Any] = {}
        self._expected: list[str] = []
        self._app: App | None = None

    def set(self, **given: Any) -> None:
        """Take global options that were given; later ones win."""
        if "format" in given:
            self._expected = []  # no need to guess any more
        self.settings = replace(self.settings, **given)

    def give(self, given: Mapping[str, Any]) -> None:
        """Take global options of one level of the command line (root, noun, verb).

        Raises:
            UsageError: another level gave the same one another value.
        """
        from commands.options import spelling

        for key, value in given.items():
            before = self._given.setdefault(key, value)
            if before != value:
                names = _(", ").join(dict.fromkeys((spelling(key, before), spelling(key, value))))
                raise UsageError(
                    _("{options} contradict each other.").format(options=names),
                    hint=_("Leave one of them out."),
                )
        self.set(**given)

    def expect(self, options: list[str], own: Collection[str] = ()) -> None:
        """Answer errors in the format that will probably be chosen, until it is.

        Args:
            options: spellings (`--csv`) on the command line.
            own: those by which the command means something else.
        """
        expected = [each for each in options if each not in own]
        self.set(format=expected[0].strip("-") if expected else "")
        self._expected = expected

    def disown(self, own: Collection[str]) -> None:
        """These options are the command's own, so they choose no format; see `expect`."""
        if any(each in own for each in self._expected):
            self.expect(self._expected, own)

    @property
    def app(self) -> App:
        """The App of the chosen profile; nothing is opened until it is used.

        Raises:
            StoreOpsError: no such profile, or a configuration that is not understood.
        """
        if self._app is None:
            from commands import diagnostics, logs
            from storeops.app import App

            logs.start(verbose=self.settings.verbose)
            self._app = App.open(
                self.settings.profile or None,
                readonly=self.settings.read_only,
                as_name=self.settings.as_name or None,
            )
            self._app.on_notice = diagnostics.warn
            if self._app.profile.head_office:
                from commands import catching_up

                catching_up.must_be_here(self.path)
                catching_up.first(self._app, self.path)
        return self._app

    @property
    def interactive(self) -> bool:
        """Whether a person is there to be asked: stdin and stderr are terminals."""
        return sys.stdin.isatty() and sys.stderr.isatty() and not self.settings.machine

    @contextmanager
    def interruptible(
        self, resume: str = "", stop: threading.Event | None = None
    ) -> Iterator[threading.Event]:
        """Turn the first Ctrl-C (or SIGTERM) into an event; see the top of this file.

        Args:
            resume: the command line that goes on afterwards.
            stop: the event to set; None for the App's, which its client obeys too.

        Raises:
            Interrupted: on leaving, when the event was set.
        """
        stop = stop or self.app.stop
        if threading.current_thread() is not threading.main_thread():
            yield stop
            return

        asked = 0

        def ended() -> Interrupted:
            return Interrupted(resume, terminated=asked == signal.SIGTERM)

        # An event has a lock, which the thread that handles signals may hold just then: it waits
        # for the event, most of the time. A queue of this kind may be filled from anywhere.
        told: SimpleQueue[bool] = SimpleQueue()

        def ask(number: int, frame: object) -> None:
            nonlocal asked
            if asked or stop.is_set():
                raise KeyboardInterrupt
            asked = number
            told.put(True)

        def set_stop() -> None:
            if told.get():
                stop.set()

        threading.Thread(target=set_stop, name="storeops-stop", daemon=True).start()
        before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield stop
        except KeyboardInterrupt:
            raise ended() from None
        except StoreOpsError:
            if not (asked or stop.is_set()):
                raise
            raise ended() from None
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
            told.put(False)
            if asked:
                stop.set()
        if stop.is_set():
            raise ended()

    def close(self) -> None:
        """Say what could not be read, once, and close what was opened, the log last."""
        if self._app is not None:
            if odd := self._app.odd_sentence():
                from commands import diagnostics

                diagnostics.note(odd)
            self._app.close()
            self._app = None
        logs = sys.modules.get("commands.logs")  # imported only when something was logged
        if logs is not None:
            logs.stop()


_call: ContextVar[Invocation] = ContextVar("storeops_call")


def current() -> Invocation:
    """The call being served."""
    call = _call.get(None)
    if call is None:
        call = begin()
    return call


@contextmanager
def apart() -> Iterator[None]:
    """Global options that are parsed meanwhile are not those of the call being served."""
    token = _call.set(Invocation())
    try:
        yield
    finally:
        _call.reset(token)


def begin() -> Invocation:
    """Start a new call (commands/main.py, once per run)."""
    call = Invocation()
    _call.set(call)
    return call
