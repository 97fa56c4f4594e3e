"""The fast lane of events: what must be done within seconds is done beside everything else.

`events.handle` reads WeCom again, subject by subject, and may wait for limits. A domain that has
something to do at once names a function in `Domain.at_once`; it is called on a thread of its own
as soon as the event is kept. Several processes may call it for one event, and again after a crash:
the domain sees to it that it acts once.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from storeops.domain import Domain, registry
from storeops.errors import StoreOpsError
from storeops.events.listing import newest_before, readable_after
from storeops.events.message import read_message

if TYPE_CHECKING:
    from storeops.events.inbox import Event
    from storeops.events.message import Message
    from storeops.operations.events import EventWiring

LANES = 8  # events that are dealt with at the same time
PREPARE_S = 0.5
LOOK_S = 0.2  # another process may have received something
RECENT_S = 60.0  # what was received before is nobody's haste any more
_log = logging.getLogger(__name__)


class AtOnce(Protocol):
    """What `Domain.at_once` names."""

    def __call__(self, app: Any, event: Event, message: Message) -> None:
        """Do what must be done for an event; return at once when nothing is.

        Args:
            app: the profile.
            event: as it was kept.
            message: what it said.
        """


@runtime_checkable
class Preparing(Protocol):
    """What it may be besides, to have ready what takes longer than an event can wait."""

    def prepare(self, app: Any) -> None:
        """Called at the start and every half second, on a thread of its own."""


@contextmanager
def beside(
    wiring: EventWiring,
    wake: threading.Event | None = None,
    on_trouble: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Deal with events as they come in while the block runs; those of the last minute first.

    Args:
        wiring: the profile.
        wake: set by whoever has kept an event; cleared here.
        on_trouble: told each new reason why something could not be done.
    """
    doers = _doers()
    if not doers:
        yield
        return
    stop, wake = threading.Event(), wake or threading.Event()
    trouble = _Trouble(on_trouble or (lambda text: None))
    thread = threading.Thread(
        target=_run, args=(wiring, doers, stop, wake, trouble), name="at-once", daemon=True
    )
    over = threading.Event()
    preparing = threading.Thread(
        target=_prepare, args=(wiring, doers, over), name="at-once-prepare", daemon=True
    )
    thread.start()
    preparing.start()
    try:
        yield
    finally:
        stop.set()
        wake.set()
        thread.join()
        over.set()
        preparing.join()


def _prepare(wiring: EventWiring, doers: Sequence[AtOnce], over: threading.Event) -> None:
    """At least once, and until the last event is dealt with."""
    preparing = [each for each in doers if isinstance(each, Preparing)]
    told: set[int] = set()  # places in the list of those whose bug is in the log
    while preparing:
        for place, each in enumerate(preparing):
            try:
                each.prepare(wiring)
            except StoreOpsError as error:  # it is tried again; the event says what lacks
                _log.debug("nothing prepared: %s", error.message)
            except Exception:  # tried again as well: what comes later must not lack it
                if place not in told:
                    _log.exception("a domain could not prepare for events")
                told.add(place)
        if over.wait(PREPARE_S):
            return


def _run(
    wiring: EventWiring,
    doers: Sequence[AtOnce],
    stop: threading.Event,
    wake: threading.Event,
    trouble: _Trouble,
) -> None:
    """Look at least once, then until `stop`; what is under way is finished."""
    last: int | None = None
    with ThreadPoolExecutor(LANES, "at-once") as pool:
        while True:
            wake.clear()
            ends = stop.is_set()
            try:
                if last is None:
                    last = newest_before(wiring.inbox, wiring.clock.now() - RECENT_S)
                for event, raw in readable_after(wiring.inbox, last):
                    last = event.id
                    pool.submit(_one, wiring, doers, event, raw, trouble)
            except StoreOpsError as error:  # a database that cannot be read just now
                trouble.notify(error.message)
            if ends:
                return
            wake.wait(LOOK_S)


def _doers() -> list[AtOnce]:
    """What to call; a domain that does not import is left out."""
    named: dict[str, tuple[Domain, Any]] = registry().named("at_once")
    found = [registry().loaded(domain, where) for domain, where in named.values()]
    return [each for each in found if each is not None]


def _one(
    wiring: EventWiring, doers: Sequence[AtOnce], event: Event, raw: bytes, trouble: _Trouble
) -> None:
    for do in doers:
        try:
            do(wiring, event, read_message(raw))
        except StoreOpsError as error:
            trouble.notify(error.message)
        except Exception as error:  # a stranger's function must not hold up the others
            _log.exception("event %s could not be dealt with at once", event.id)
            trouble.notify(f"{type(error).__name__} (bug)")


class _Trouble:
    """Reasons, each told once in a row."""

    def __init__(self, notify: Callable[[str], None]) -> None:
        self._notify, self._last = notify, ""
        self._lock = threading.Lock()

    def notify(self, text: str) -> None:
        with self._lock:
            if text == self._last:
                return
            self._last = text
        self._notify(text)
