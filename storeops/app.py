"""Wiring: a profile's name becomes databases, client, limits and clock, each opened when asked for.

```python
app = App.open("main")            # reads config.toml, opens nothing
app.data.rows("SELECT …")         # opens data.db now
customers.get(app.client, …)      # opens run.db, makes the client, no call yet
```
"""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from storeops import config, paths, presence, times
from storeops.clock import SystemClock
from storeops.config import Config, Profile
from storeops.database.database import Database, open_database
from storeops.database.disposable import open_disposable
from storeops.database.migrations import Migration, RoomError
from storeops.domain import registry
from storeops.errors import ConfigError, ConflictError, StoreOpsError
from storeops.i18n import _
from storeops.private_file import sweep

if TYPE_CHECKING:
    from storeops.changes.action import ActionRegistry
    from storeops.changes.jobs.report import Report
    from storeops.changes.jobs.worker import Worker
    from storeops.changes.ledger import Ledger
    from storeops.hub.hosts import HostStanding
    from storeops.limits.governor import Governor
    from storeops.limits.tokens import RunTokenStore
    from storeops.os_errors import Refusal
    from storeops.wecom.client import WeComClient
    from storeops.wecom.oddities import OddValues
    from storeops.wecom.ports import TokenStore

T = TypeVar("T")

# the engines with tables in each file; data.db also holds those of the domains
DATA_ROOMS = (
    "storeops.mirror.schema",
    "storeops.mirror.search",
    "storeops.changes.schema",
    "storeops.changes.jobs.schema",
)
RUN_ROOMS = ("storeops.limits.schema",)
INBOX_ROOMS = ("storeops.events.schema",)


def migrations(rooms: Sequence[str]) -> tuple[Migration, ...]:
    """The migrations of rooms, in order; with those of data.db, of all domains too."""
    found: list[Migration] = []
    for room in rooms:
        found += import_module(room).MIGRATIONS
    if rooms is DATA_ROOMS:
        from storeops.operations.domains import tables

        found += tables()
    return tuple(found)


class App:
    """Everything a command or a screen needs for one profile. Thread-safe to use, not to close.

    Args:
        settings: the whole configuration.
        profile: the profile in use.
        readonly: refuse every change, as the profile's `read_only` does.
        as_name: who is at the keyboard; None for the system's user.

    Attributes:
        notices: of each file that can only be read now, why.
        on_notice: told each of them.
    """

    def __init__(
        self,
        settings: Config,
        profile: Profile,
        *,
        readonly: bool = False,
        as_name: str | None = None,
    ) -> None:
        times.use(settings.time_zone)
        self.settings = settings
        self.profile = profile
        self.readonly = readonly or profile.read_only
        self.as_name = as_name
        self.stop = threading.Event()
        self.notices: list[str] = []
        self.on_notice: Callable[[str], None] = lambda _text: None
        self._lock = threading.RLock()
        self._made: dict[str, Any] = {}

    @classmethod
    def open(
        cls, profile: str | None = None, *, readonly: bool = False, as_name: str | None = None
    ) -> App:
        """The App of a profile; nothing but config.toml is read.

        What killed processes left of files they were writing is removed.

        Args:
            profile: its name; None for STOREOPS_PROFILE or the default.
            readonly: refuse every change.
            as_name: who is at the keyboard.

        Raises:
            ConfigError: no profile is set up, or config.toml is not understood.
            NotFoundError: there is no such profile.
        """
        settings = config.load()
        sweep()
        return cls(settings, settings.choose(profile), readonly=readonly, as_name=as_name)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._made:
                self._made[name] = make()
            made: T = self._made[name]
            return made

    def _enter(self) -> None:
        """Be counted among those who work with the profile's files.

        Raises:
            ConflictError: they are being deleted just now.
        """
        folder = paths.profile_dir(self.profile.name)
        try:
            self._once("presence", lambda: presence.enter(folder))
        except BlockingIOError:
            raise ConflictError(
                _("The files of the profile {name} are being replaced or deleted just now.").format(
                    name=self.profile.name
                ),
                hint=_("Try again in a moment; nothing was changed."),
            ) from None

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Nobody else works with the profile's files while the block runs; this App may.

        Raises:
            ConflictError: another process does.
            ConfigError: the folder cannot be written.
        """
        from storeops.operations.ownership import must_be_alone

        with self._lock:
            own = self._made.pop("presence", None)
            if own is not None:
                os.close(own)  # what we hold ourselves would stand in the way
            try:
                with must_be_alone(self.profile.name):
                    self._made["presence"] = None
                    yield
            finally:
                self._made.pop("presence", None)
                if {"data", "run", "inbox"} & self._made.keys():
                    self._enter()

    def _database(
        self, path: Callable[[str], Path], rooms: Sequence[str], synchronous: str = "NORMAL"
    ) -> Database:
        from storeops.database.lost import must_not_be_lost, note_made

        self._enter()
        file = path(self.profile.name)
        must_not_be_lost(file, self.traces(file))
        try:
            try:
                database = open_database(file, migrations(rooms), synchronous=synchronous)
            except RoomError as error:
                self._leave_out(error, file)
                return self._database(path, rooms, synchronous)
        except ConfigError as error:
            made = self._stand_in(file, rooms, error)
            if made is None or file.name == "data.db":
                raise
            return made
        if database.stuck is None:
            note_made(file)
        else:
            self.notify_read_only(
                file, database.stuck, unseen=database.unseen, copied=database.copied
            )
        return database

    def _leave_out(self, error: RoomError, file: Path) -> None:
        """Do without a domain of another package whose tables cannot be used, and say so.

        Raises:
            StoreOpsError: the room is one of ours: nothing works without it.
        """
        from storeops.database.trouble import explain

        of_room = [each for each in registry().strangers() if each.name == error.room]
        if not of_room:
            cause = error.__cause__
            raise explain(cause, file) if isinstance(cause, sqlite3.Error) else error
        registry().leave_out(of_room[0], error.message)
        text = _("The domain {name} is left out: {reason}").format(
            name=error.room, reason=error.message
        )
        self.notices.append(text)
        self.on_notice(text)

    @staticmethod
    def _stand_in(file: Path, rooms: Sequence[str], error: ConfigError) -> Database | None:
        """Where inbox.db or run.db cannot be made, what reads them finds them empty."""
        from storeops.database.database import file_size, stand_in
        from storeops.os_errors import Refusal

        reason = error.details.get("reason")
        if reason not in {each.value for each in Refusal} or file_size(file):
            return None
        return stand_in(file, migrations(rooms), Refusal(reason))

    def begin_anew(self, lost: Sequence[Path]) -> list[Path]:
        """Make empty databases where they were lost; the journal notes it. Returns their paths."""
        from storeops.changes.journal import JournalLine

        rooms = {"data.db": DATA_ROOMS, "inbox.db": INBOX_ROOMS}
        for file in lost:
            open_database(file, migrations(rooms[file.name])).close()
        line = JournalLine("db.begun", payload={"files": [each.name for each in lost]})
        self.ledger.journal.write(self.data, [line], self.clock.now())
        return list(lost)

    def traces(self, file: Path) -> list[Path]:
        """What lies beside data.db or inbox.db only where there was one."""
        beside = [file.with_name(f"{file.name}-wal")]
        if file.name == "data.db":
            beside += [file.with_name(name) for name in ("journal.seal", "journal.key", "backups")]
        return beside

    def notify_read_only(
        self, path: Path, why: Refusal, *, unseen: bool, copied: bool = False
    ) -> None:
        """Say that a file can only be read now, how, and what of it cannot be seen."""
        from storeops.os_errors import explain_refusal

        text = _("{why} It is read; nothing can be changed.").format(
            why=explain_refusal(why, path).message
        )
        if copied:
            text += " " + _(
                "It is of an earlier version: what is read is a copy in memory, brought up to date."
            )
        if unseen:
            text += " " + _(
                "What {path}-wal holds cannot be read along: the newest changes are missing."
            ).format(path=path)
        self.notices.append(text)
        self.on_notice(text)

    @property
    def data(self) -> Database:
        """data.db: mirror, ledger, notebook.

        Raises:
            ConfigError: it is damaged, cannot be opened, is from a newer storeops, or holds another
                company's data than the profile names.
        """
        return self._once("data", self._open_data)

    def _open_data(self) -> Database:
        from storeops.operations.ownership import must_own

        if self.standing is not None:
            self.standing.must_have(paths.data_db(self.profile.name))
        database = self._database(paths.data_db, DATA_ROOMS)
        try:
            if self.standing is not None:
                database.guard = self.standing.must_lead
            must_own(self.profile, database)
        except BaseException:
            database.close()
            raise
        return database

    @property
    def run(self) -> Database:
        """run.db: limits, token, leases; disposable, so that a damaged one is put aside.

        Raises:
            ConfigError: it cannot be opened, or is from a newer storeops.
        """

        def make() -> Database:
            self._enter()
            file = paths.run_db(self.profile.name)
            try:
                return open_disposable(file, migrations(RUN_ROOMS))
            except ConfigError as error:
                made = self._stand_in(file, RUN_ROOMS, error)
                if made is None:
                    raise
                return made

        return self._once("run", make)

    @property
    def inbox(self) -> Database:
        """inbox.db: events as they came in; a commit is on the disk when it returns.

        Raises:
            ConfigError: it is damaged, cannot be opened, or is from a newer storeops.
        """

        def make() -> Database:
            database = self._database(paths.inbox_db, INBOX_ROOMS, synchronous="FULL")
            if self.standing is not None:
                database.guard = self.standing.must_lead
            return database

        return self._once("inbox", make)

    @property
    def clock(self) -> SystemClock:
        """WeCom's time, with the offset last learnt by any process."""
        from storeops.limits import offset

        def make() -> SystemClock:
            # run.db is disposable: where none can be made, the next answer teaches the offset
            with suppress(StoreOpsError):
                return SystemClock(offset.load(self.run), self._keep_offset)
            return SystemClock()

        return self._once("clock", make)

    @property
    def governor(self) -> Governor:
        """WeCom's limits, shared by all processes of this machine."""
        from storeops.limits.governor import Governor
        from storeops.limits.limits import Limits

        def make() -> Governor:
            own = self.profile.limits
            limits = Limits(
                per_minute=own.per_minute, per_hour=own.per_hour, in_flight=own.in_flight
            )
            may_call = self.must_lead if self.standing is not None else lambda: None
            return Governor(
                self.run, self.profile.corp_id, limits, clock=self.clock, may_call=may_call
            )

        return self._once("governor", make)

    @property
    def tokens(self) -> RunTokenStore:
        """The access token, shared by all processes of this machine."""
        from storeops import secrets
        from storeops.limits.tokens import RunTokenStore

        def make() -> RunTokenStore:
            profile = self.profile
            return RunTokenStore(
                self.run,
                profile.corp_id,
                profile.agent_id,
                self.clock,
                lambda: secrets.get(profile.name).reveal(),
            )

        return self._once("tokens", make)

    @property
    def client(self) -> WeComClient:
        """The WeCom API of this profile; the secret is read when a token is needed.

        Raises:
            ConfigError: the base URL is not allowed.
        """
        return self._once("client", lambda: self.make_client(self.tokens))

    @property
    def odd(self) -> OddValues:
        """Values of WeCom's answers that could not be read as they came, of all clients."""
        from storeops.wecom.oddities import OddValues

        return self._once("odd", OddValues)

    def odd_sentence(self) -> str:
        """What to say of them at the end; "" when there were none. They are said once."""
        if "odd" not in self._made:
            return ""
        from storeops.wecom.oddities import sentence

        return sentence(self.odd.take())

    def make_client(
        self,
        tokens: TokenStore,
        stop: threading.Event | None = None,
        *,
        writes_once: bool = False,
    ) -> WeComClient:
        """Another client: what `doctor` tries a secret with, what a worker can stop.

        Args:
            tokens: keeps its token; the caller closes the client.
            stop: ends its waits; None for the App's own event.
            writes_once: its caller sends what failed again by a policy of its own.

        Raises:
            ConfigError: a variable is set that could mean the secret of another profile.
            PolicyError: a back office, which has no secret.
        """
        from storeops import secrets
        from storeops.operations.ownership import must_mean_one
        from storeops.wecom.client import WeComClient  # httpx costs 66 ms
        from storeops.wecom.transport import Timeouts

        name = self.profile.name
        self.must_ask_wecom()
        must_mean_one(name)
        return WeComClient(
            base_url=self.profile.base_url,
            corp_id=self.profile.corp_id,
            agent_id=self.profile.agent_id,
            secret=lambda: secrets.get(name).reveal(),
            tokens=tokens,
            limiter=self.governor,
            clock=self.clock,
            stop=stop or self.stop,
            writes_once=writes_once,
            odd=self.odd,
            timeouts=Timeouts(
                read_s=self.profile.limits.timeout_s,
                whole_s=max(60.0, 2 * self.profile.limits.timeout_s),
            ),
        )

    def must_ask_wecom(self) -> None:
        """Refuse in a back office: head office has the secret.

        Raises:
            PolicyError: it is one.
        """
        from storeops.changes.policy import head_office_sends

        if self.profile.head_office:
            raise head_office_sends(self.profile.name)
        self.must_lead()

    @property
    def standing(self) -> HostStanding | None:
        """Whether this host leads, where head office has more than one; None where it has one."""

        def make() -> HostStanding | None:
            if not (paths.profile_path(self.profile.name) / "hub" / "host.toml").exists():
                return None
            from storeops.hub import hosts

            host = hosts.find(self.profile.name)
            return None if host is None else hosts.HostStanding(self.profile.name, host)

        return self._once("standing", make)

    def must_lead(self) -> None:
        """Refuse what only the leader of several hosts may do.

        Raises:
            PolicyError: this host stands by.
        """
        if self.standing is not None:
            self.standing.must_lead()

    def secure(self) -> None:
        """Wait until what is committed is where another host finds it, where there is one.

        Raises:
            NetworkError: it cannot be copied now.
            PolicyError: this host does not lead any more.
        """
        if self.standing is not None:
            self.standing.secure()

    @property
    def actions(self) -> ActionRegistry:
        """What plans can do, by kind."""
        from storeops.changes.action import actions

        return actions()

    @property
    def ledger(self) -> Ledger:
        """Plans, answers and journal of this profile, under its policy."""
        return self._once("ledger", lambda: self.ledger_over(self.data))

    def ledger_over(self, data: Database) -> Ledger:
        """The same over a copy of data.db, which is about to take its place."""
        from storeops.changes import remembered
        from storeops.changes.ledger import open_ledger
        from storeops.changes.policy import Policy

        acts = self.standing is None or self.standing.leads
        if not self.readonly and data.stuck is None and acts:
            remembered.belong_to(data, str(self.profile.agent_id), self.clock.now())
        return open_ledger(
            data,
            paths.profile_dir(self.profile.name),
            self.actions,
            self.clock,
            self.profile.name,
            who=self.as_name or "",
            policy=Policy(
                read_only=self.readonly,
                allow=self.profile.allow,
                max_rows_per_plan=self.profile.policy.max_rows_per_plan or None,
                max_rows_per_day=self.profile.policy.max_rows_per_day or None,
                sends=not self.profile.head_office,
                before_change=self._know_time,
            ),
            **self._asking(),
        )

    def _asking(self) -> dict[str, Any]:
        """Who is asked to carry plans out: head office, in a back office."""
        if not self.profile.head_office:
            return {}
        from storeops.hub import asking

        return {"ask": asking.ask, "take_back": partial(asking.take_back, self)}

    def _know_time(self) -> None:
        """Ask WeCom for its time before the first stamp, unless it is known; silence is fine."""
        self._once("time", self._ask_time)

    def _ask_time(self) -> bool:
        from storeops import secrets
        from storeops.limits import offset

        with suppress(StoreOpsError):
            secrets.get(self.profile.name)  # without one nobody is to be asked yet
            if not self.clock.has_learnt() and not offset.known(self.run):
                self.client.learn_time()
                if self.clock.has_learnt():
                    offset.save(self.run, self.clock.offset)
        return self.clock.has_learnt()

    def worker(
        self,
        *,
        stop: threading.Event | None = None,
        on_progress: Callable[[Report], None] | None = None,
    ) -> Worker:
        """A worker at this profile's queue, with a client of its own.

        Args:
            stop: finish what is in flight and end.
            on_progress: called with the growing report.

        Raises:
            PolicyError: read-only.
        """
        self.ledger.policy.may_send()
        self.must_lead()
        from storeops.changes.job_records import LedgerRecords
        from storeops.changes.jobs.worker import Worker

        return Worker(
            self.data,
            LedgerRecords(self.ledger),
            self.actions,
            lambda stop: self.make_client(self.tokens, stop, writes_once=True),
            self.clock,
            threads=self.profile.limits.in_flight,
            stop=stop,
            on_progress=on_progress,
            secure=self.secure,
        )

    def reopen(self) -> None:
        """Close data.db and inbox.db, in whose place others are about to lie; the next who asks
        for them opens those."""
        with self._lock:
            self._made.pop("ledger", None)
            for name in ("data", "inbox"):
                if name in self._made:
                    self._made.pop(name).close()

    def close(self) -> None:
        """Close what was opened, and keep the clock's offset for the next process."""
        self.stop.set()
        self._secure_what_was_written()
        if "client" in self._made:
            self._keep_offset(self.clock.offset)
        with self._lock:
            made, self._made = self._made, {}
        client: WeComClient | None = made.get("client")
        if client is not None:
            client.close()
        for name in ("data", "run", "inbox"):
            if name in made:
                made[name].close()
        if made.get("presence") is not None:
            os.close(made["presence"])

    def _secure_what_was_written(self) -> None:
        """What a command did is at both hosts of head office when it ends; else that is said."""
        data: Database | None = self._made.get("data")
        standing: HostStanding | None = self._made.get("standing")
        if data is None or standing is None or not standing.led:
            return
        if not data.connection.total_changes:
            return
        try:
            self.secure()
        except StoreOpsError as error:
            self.on_notice(error.message)

    def _keep_offset(self, offset_s: float) -> None:
        from storeops.limits import offset

        # run.db is disposable; if it cannot be written, the next answer teaches the offset again
        run: Database | None = self._made.get("run")
        if run is not None:
            with suppress(StoreOpsError):
                offset.save(run, offset_s)

    def look_at_clock(self) -> None:
        """Take over what other processes have learnt of WeCom's clock; for what runs long."""
        from storeops.limits import offset

        with suppress(StoreOpsError):
            self.clock.adopt(offset.load(self.run))
