"""Where the parts of a run are computed: in this process, in several of this host, on a cluster.

All three say the same by one interface: `concurrent.futures`' `submit`, and how many parts are
worth having in hand. What a part's bytes are depends on the part alone; a cluster's workers
must have the versions that are here, so that the bytes are the same there too.
"""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future
from concurrent.futures import Executor as Pool
from contextlib import AbstractContextManager, contextmanager
from importlib import metadata
from typing import Any, Protocol

from storeops.errors import ConfigError, NetworkError, StillRunningError, StoreOpsError, UsageError
from storeops.i18n import _

CONNECT_S = 10.0
ALONE_S = 60.0  # a cluster without a worker for so long will not get one
LOOK_S = 5.0  # between two looks at a cluster that is silent
VERSIONS = ("storeops", "numpy", "lightgbm")  # what bytes may depend on
ADDRESS = re.compile(r"((tcp|tls)://)?[^\s/]+:[0-9]{1,5}")

Work = Callable[..., bytes]


class Executor(Protocol):
    """Computes parts.

    Attributes:
        slots: parts that are worth having in hand at once.
        look_s: seconds after which `look` is worth asking; None for never.
    """

    look_s: float | None

    @property
    def slots(self) -> int:
        """Parts in hand at once."""

    def submit(self, function: Work, *arguments: Any) -> Future[bytes]:
        """Begin a part."""

    def result(self, future: Future[bytes]) -> bytes:
        """What came of a part that has ended."""

    def look(self) -> None:
        """Raise when nobody is left to work."""


Place = AbstractContextManager[Executor]


class _Here:
    slots = 1
    look_s: float | None = None

    def submit(self, function: Work, *arguments: Any) -> Future[bytes]:
        made: Future[bytes] = Future()
        made.set_result(function(*arguments))
        return made

    def result(self, future: Future[bytes]) -> bytes:
        return future.result()

    def look(self) -> None:
        """Always there."""


class _Processes:
    look_s: float | None = None

    def __init__(self, pool: Pool, workers: int) -> None:
        self._pool = pool
        self.slots = workers + 1

    def submit(self, function: Work, *arguments: Any) -> Future[bytes]:
        return self._pool.submit(function, *arguments)

    def result(self, future: Future[bytes]) -> bytes:
        return future.result()

    def look(self) -> None:
        """The pool says itself when one of them is gone."""


@contextmanager
def processes(workers: int) -> Iterator[Executor]:
    """So many processes of this host; 1 works in this one.

    Raises:
        StillRunningError: on leaving, when one of them was killed.
    """
    if workers <= 1:
        yield _Here()
        return
    import multiprocessing
    from concurrent.futures.process import BrokenProcessPool, ProcessPoolExecutor

    try:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
            yield _Processes(pool, workers)
    except BrokenProcessPool:
        raise StillRunningError(
            _("A process of the work was killed; what was finished is kept."),
            hint=_("The same command goes on where it stopped; fewer --workers need less memory."),
        ) from None


class OtherVersionsError(Exception):
    """A worker of a cluster has other versions; its text says which."""


def versions() -> dict[str, str]:
    """What the bytes of a part may depend on; without what is not installed."""
    found = {}
    for name in VERSIONS:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def checked(here: dict[str, str], function: Work, *arguments: Any) -> bytes:
    """A part, on a worker that has the versions of the one who asks.

    Raises:
        OtherVersionsError: it has not.
    """
    there = versions()
    other = [
        f"{name} {there.get(name, '-')}" for name in VERSIONS
        if there.get(name) != here.get(name) and (name != "lightgbm" or name in here)
    ]  # fmt: skip
    if other:
        raise OtherVersionsError(_(", ").join(other))
    return function(*arguments)


class _Cluster:
    look_s: float | None = LOOK_S

    def __init__(self, client: Any, address: str) -> None:
        self._client = client
        self._executor = client.get_executor(pure=False)
        self._address = address
        self._here = versions()
        self._seen = time.monotonic()

    @property
    def slots(self) -> int:
        # twice as many as threads, so that nobody waits for the next part
        return max(2, 2 * sum(self._threads().values()))

    def submit(self, function: Work, *arguments: Any) -> Future[bytes]:
        with warnings.catch_warnings(), self._answering():
            # a part travels whole: what is laid on one worker beforehand dies with it
            warnings.simplefilter("ignore", UserWarning)
            made: Future[bytes] = self._executor.submit(checked, self._here, function, *arguments)
        return made

    def result(self, future: Future[bytes]) -> bytes:
        with self._answering():
            return future.result()

    def look(self) -> None:
        now = time.monotonic()
        if self._threads():
            self._seen = now
        elif now - self._seen > ALONE_S:
            raise _lonely(self._address)

    def _threads(self) -> dict[str, int]:
        with self._answering():
            return dict(self._client.nthreads())

    @contextmanager
    def _answering(self) -> Iterator[None]:
        try:
            yield
        except (CancelledError, OSError, TimeoutError):
            raise NetworkError(
                _("The connection to the cluster {address} broke off.").format(
                    address=self._address
                ),
                hint=_("What was finished is kept; the same command goes on where it stopped."),
            ) from None


def _lonely(address: str) -> StoreOpsError:
    return NetworkError(
        _("The cluster {address} has no worker.").format(address=address),
        hint=_("Start one: dask worker {address}. What was finished is kept; the same command goes"
               " on where it stopped.").format(address=address),
    )  # fmt: skip


def cluster(address: str) -> Place:
    """A Dask cluster.

    A part whose worker dies is given to another by the scheduler.

    Args:
        address: of its scheduler, such as tcp://10.0.0.5:8786. Certificates for tls:// are those
            of Dask's own configuration.

    Raises:
        UsageError: it is no address.
        ConfigError: Dask is not installed here; once entered, a worker has other versions.
        NetworkError: once entered, nobody answers, or the connection broke off; no worker is left.
    """
    if not ADDRESS.fullmatch(address):
        raise UsageError(
            _("--scheduler: {address} is no address.").format(address=address),
            hint=_("Such as tcp://10.0.0.5:8786, as `dask scheduler` prints it."),
        )
    try:
        import distributed
    except ImportError:
        raise ConfigError(
            _("--scheduler needs Dask, which is not installed."),
            hint=_("Install the extra: pip install 'storeops[dask]'"),
        ) from None
    return _connected(address, distributed)


@contextmanager
def _connected(address: str, distributed: Any) -> Iterator[Executor]:
    for name in ("distributed", "distributed.client", "distributed.core", "tornado.application"):
        logging.getLogger(name).setLevel(logging.CRITICAL)  # what it says is said in sentences here
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions: those that matter are refused
            client = distributed.Client(address, timeout=CONNECT_S, set_as_default=False)
    except (OSError, TimeoutError):
        raise NetworkError(
            _("No Dask scheduler answers at {address}.").format(address=address),
            hint=_("Start one: dask scheduler; and its workers: dask worker ADDRESS"),
        ) from None
    try:
        try:
            client.wait_for_workers(1, timeout=CONNECT_S)
        except TimeoutError:
            raise _lonely(address) from None
        yield _Cluster(client, address)
    except OtherVersionsError as error:
        raise ConfigError(
            _("A worker of the cluster has {theirs}; here it is {ours}.").format(
                theirs=error, ours=_(", ").join(map(" ".join, versions().items()))
            ),
            hint=_("Install the same versions on every worker. What was finished is kept."),
        ) from None
    except distributed.KilledWorker:
        raise ConfigError(
            _("A part killed every worker of the cluster that it was given to."),
            hint=_("Give them more memory; the same command goes on where it stopped."),
        ) from None
    except (ImportError, RuntimeError) as error:  # what was sent cannot be read there
        raise ConfigError(
            _("The cluster {address} cannot compute it: {error}.").format(
                address=address, error=" ".join(str(error).split()).partition(". ")[0].rstrip(".")
            ),
            hint=_(
                "Scheduler and workers need the same versions of this program and its libraries."
            ),
        ) from None
    finally:
        client.close(timeout=2)
