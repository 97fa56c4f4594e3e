"""The follows scope: cursor chains read side by side, written by one thread, page by page.

A reading thread asks for a page, hands it over and waits until it is committed before it asks for
the next: after a crash at most one page per open cursor is read again. There are a few more
chains than the governor lets call at a time, so that the waiting costs nothing. On a first load the
writing thread builds the search index while it waits for pages.
"""

from __future__ import annotations

import gc
import queue
import sys
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from storeops.errors import StoreOpsError
from storeops.i18n import _
from storeops.mirror import identity, indexes, meta
from storeops.mirror.bulk import bulk_writing
from storeops.mirror.facts import Batch, Counts
from storeops.mirror.timeline import Recorder
from storeops.sync import chains, contacts, coverage, refusals
from storeops.sync.chains import Chain
from storeops.sync.members import CHAINS, group, halves
from storeops.sync.results import Outcome
from storeops.sync.session import Session
from storeops.wecom import customers
from storeops.wecom.customers import FollowPage
from storeops.wecom.errcodes import ErrorCondition, code_of
from storeops.wecom.errors import has_condition
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import LostRow, collected, collecting_lost
from storeops.wecom.paging import endless

_SLICE = 400  # customers put into the search index while no page waits: about 8 ms
_SWITCH_S = 0.0005  # a thread that reads gets its turn at once; 5 ms would cost it a tenth
_COLLECT = 50_000  # a page's rows live for a moment and hold no circles: seldom look for any
_BATCH = 3  # pages a transaction may hold: about 15 ms
_REFUSALS = 400  # refusals in a row, before the whole scope counts as refused


@dataclass(slots=True)
class _Reading:
    """What a reading thread brings, and where it waits for the word to go on."""

    chain: Chain
    page: FollowPage | None = None
    lost: Sequence[LostRow] = ()
    error: StoreOpsError | None = None
    crash: Exception | None = None
    go_on: threading.Event = field(default_factory=threading.Event)
    more: bool = False


def read_follows(session: Session, userids: Sequence[str]) -> Outcome:
    """Read the customers of `userids` completely, or say whose could not be read.

    Raises:
        StoppedError: somebody asked to stop; the next run goes on from the same cursors.
        ConfigError: the disk is full.
    """
    with bulk_writing(session.db.connection):
        return _Follows(session).run(userids)


def read_follow_users(session: Session) -> Outcome:
    """`read_follows` of everybody with customer contact, or of the run's shop."""
    outcome = read_follows(session, contacts.follow_users(session))
    renamed = identity.proven(session.db.connection)
    if renamed:
        session.apply(Batch(renamed=renamed))
    return outcome


class _Follows:
    def __init__(self, session: Session) -> None:
        self.session = session
        self.db = session.db
        self._waiting: deque[Chain] = deque()
        self._open = 0
        self._lock = threading.Condition()
        self._inbox: queue.Queue[_Reading] = queue.Queue(maxsize=CHAINS)
        self._ended = threading.Event()
        self._first_load = False
        self._backlog = False  # customers wait for the search index
        self._silences = 0
        self._refusals = 0
        self._ending: StoreOpsError | None = None

    def run(self, userids: Sequence[str]) -> Outcome:
        session = self.session
        self._first_load = indexes.postpone(self.db)
        if self._first_load:
            indexes.warm_up()
        sizes = coverage.known_sizes(self.db.connection)
        with self.db.atomic() as connection:
            if not chains.exist(connection, session.run.id, "follows"):
                members = coverage.members_to_read(
                    connection, session.keys, userids, sizes, session.now
                )
                groups = group(members)
                chains.create(connection, session.run.id, "follows", groups)
                session.counters.total = sum(rows for _userids, rows in groups) or None
                session.save(connection)  # others see it, and a resumed run, before any page
            self._waiting.extend(chains.unfinished(connection, session.run.id, "follows"))
        threads = [
            threading.Thread(target=self._read, name=f"sync-{number}", daemon=True)
            for number in range(CHAINS)
        ]
        switch, collect = sys.getswitchinterval(), gc.get_threshold()
        sys.setswitchinterval(_SWITCH_S)
        gc.set_threshold(_COLLECT, *collect[1:])
        for thread in threads:
            thread.start()
        try:
            self._write()
        finally:
            sys.setswitchinterval(switch)
            gc.set_threshold(*collect)
            self._ended.set()
            with self._lock:
                self._lock.notify_all()
            self._drain()
            for thread in threads:
                thread.join()
        session.check_stop()
        self._build()
        return self._outcome()

    # -- reading threads --------------------------------------------------------------------------

    def _next_chain(self) -> Chain | None:
        """A chain to read; None when all are read (a chain under way may still be split)."""
        with self._lock:
            while not self._ended.is_set():
                if self._waiting:
                    self._open += 1
                    return self._waiting.popleft()
                if self._open == 0:
                    self._lock.notify_all()
                    return None
                self._lock.wait(timeout=0.5)
        return None

    def _read(self) -> None:
        while (chain := self._next_chain()) is not None:
            try:
                while self._read_page(chain):
                    pass
            finally:
                with self._lock:
                    self._open -= 1
                    self._lock.notify_all()

    def _read_page(self, chain: Chain) -> bool:
        """One page, read and committed; whether the chain goes on."""
        reading = _Reading(chain)
        if self._ended.is_set() or self.session.stop.is_set():
            return False
        self.session.count_call()
        try:
            with collecting_lost() as reading.lost:
                page = customers.get_by_user(self.session.client, chain.members, chain.cursor)
                reading.page = _of_members(page, chain.members)
        except StoreOpsError as error:
            reading.error = error
        except Exception as error:
            reading.crash = error  # a bug ends the run loudly, not one thread in silence
        self._inbox.put(reading)
        reading.go_on.wait()
        return reading.more

    # -- the writing thread -----------------------------------------------------------------------

    def _write(self) -> None:
        while True:
            batch = self._next_batch()
            if not batch:
                with self._lock:
                    if not self._waiting and self._open == 0 and self._inbox.empty():
                        return
                self.session.check_stop()
                self.session.report_progress()
                continue
            try:
                self._commit(batch)
            except BaseException:
                self.session.keys.forget()
                self._ended.set()
                raise
            finally:
                for reading in batch:
                    reading.go_on.set()
            self.session.report_progress()
            if self._ending is not None:
                return

    def _next_batch(self) -> list[_Reading]:
        batch = []
        try:
            while self._inbox.empty() and self._backlog:
                self._backlog = indexes.build_search_slice(self.db, _SLICE, at_least=_SLICE)
            batch.append(self._inbox.get(timeout=0.1))
            while len(batch) < _BATCH:
                batch.append(self._inbox.get_nowait())
        except queue.Empty:
            pass
        return batch

    def _drain(self) -> None:
        """Let every thread that waits for a word go home."""
        while True:
            with self._lock:
                if self._open == 0:
                    return
            try:
                self._inbox.get(timeout=0.05).go_on.set()
            except queue.Empty:
                continue

    def _commit(self, batch: Sequence[_Reading]) -> None:
        session = self.session
        for each in batch:
            if each.crash is not None:
                raise each.crash
        self._backlog = self._first_load
        with self.db.atomic() as connection:
            rows = [row for each in batch if each.page for row in each.page.external_contact_list]
            seen = session.apply(Batch(follows=rows)).follow_ids if rows else []
            record = Recorder("sync", str(session.run.id), session.now)
            start = 0
            for reading in batch:
                if reading.page is not None:
                    size = len(reading.page.external_contact_list)
                    self._page_read(reading, seen[start : start + size], record)
                    start += size
                elif reading.error is not None:
                    self._not_read(reading, reading.error, record)
            record.flush(connection)
            if record.changed:
                meta.bump_revision(connection)
            session.save(connection)

    def _page_read(self, reading: _Reading, seen: Sequence[int], record: Recorder) -> None:
        chain, page = reading.chain, reading.page
        assert page is not None
        self._silences = self._refusals = 0
        kept = [each for row in reading.lost for each in self._row_lost(chain, row, record)]
        for userid in page.fail_info.unlicensed_userid_list:
            self._member_failed(userid, _unlicensed(userid), record)
        following = page.next_cursor
        chain.empty = 0 if seen or reading.lost else chain.empty + 1
        if following and (chains.repeated(chain, following) or chain.empty > chains.EMPTY_PAGES):
            self._begin_anew(reading, endless(customers.GET_BY_USER), record)
            return
        chains.turn_page(self.db.connection, chain, following, [*seen, *kept])
        reading.more = bool(following)
        if not following:
            self._complete(chain, record)

    def _row_lost(self, chain: Chain, row: LostRow, record: Recorder) -> list[int]:
        """A row that cannot be read is named, and costs nobody a follow.

        Returns:
            follow.id of every relation that it may be and the mirror knows: they were seen. When
            it may be any customer's, nobody whose row it may be counts as read completely.
        """
        self.session.fail_rows([row])
        userid, external = row.ids.get("userid"), row.ids.get("external_userid")
        if external:
            may_be = [userid] if userid else list(chain.members)
            marks = ",".join("?" * len(may_be))
            found = self.db.connection.execute(
                "SELECT f.id FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
                " JOIN customer AS c ON c.id = f.customer_id"
                f" WHERE c.external_userid = ? AND s.userid IN ({marks})",
                (external, *may_be),
            )
            return [each[0] for each in found]
        for each in [userid] if userid else chain.members:
            self._member_failed(each, lost_row(row), record)
        return []

    def _not_read(self, reading: _Reading, error: StoreOpsError, record: Recorder) -> None:
        chain = reading.chain
        if self.session.stop.is_set():
            return  # stopped, not failed: the chain stays open
        if refusals.unreachable(error):
            self._silences += 1
        else:
            self._refusals += 1
        gone = self._silences >= refusals.SILENCES or self._refusals >= _REFUSALS
        if gone or refusals.ends_scope(error):
            self._end_scope(error)
        elif error.errcode is not None and chain.cursor:
            self._begin_anew(reading, error, record)  # 50100, or what the first page did not say
        elif has_condition(error, ErrorCondition.NO_RELATION) and not coverage.has_customers(
            self.db.connection, self._staff_ids(chain)
        ):
            if chain.denied:
                self._complete(chain, record)
            else:
                chain.denied = reading.more = True  # a second opinion
        else:
            self._split_or_fail(chain, error, record)

    def _begin_anew(self, reading: _Reading, error: StoreOpsError, record: Recorder) -> None:
        chain = reading.chain
        if chain.restarts >= chains.RESTARTS:
            self._split_or_fail(chain, error, record)
            return
        again = chains.restart(self.db.connection, chain)
        self.session.count(Counts(seen=-again))
        reading.more = True

    def _split_or_fail(self, chain: Chain, error: StoreOpsError, record: Recorder) -> None:
        """Find the one to blame, so that nobody else is held up."""
        connection = self.db.connection
        if len(chain.members) == 1:
            userid = chain.members[0]
            if not self._believed_gone(chain, error, record):
                self._member_failed(userid, error, record)
                chains.end(connection, chain, "failed")
            return
        chains.end(connection, chain, "split")
        parts = [(half, 0) for half in halves(chain.members)]
        made = chains.create(connection, self.session.run.id, "follows", parts)
        with self._lock:
            self._waiting.extendleft(reversed(made))
            self._lock.notify_all()

    def _believed_gone(self, chain: Chain, error: StoreOpsError, record: Recorder) -> bool:
        """A member who had customers and is denied for the second time.

        84061 then counts as a complete, empty list. 60111 sends the customers out of scope; the
        member stays unreadable.
        """
        if not has_condition(error, ErrorCondition.NO_RELATION, ErrorCondition.MEMBER_GONE):
            return False
        connection = self.db.connection
        staff = self._staff_ids(chain)[0]
        if not coverage.said_gone(connection, staff, self.session.run.id):
            return False
        if has_condition(error, ErrorCondition.MEMBER_GONE):
            from storeops.mirror.statuses import member_gone

            self.session.counters.counts.changed += member_gone(
                connection, staff, "out_of_scope", record
            )
            return False
        self._complete(chain, record)
        coverage.said_gone(connection, staff, self.session.run.id)  # not the first any more
        return True

    def _member_failed(self, userid: str, error: StoreOpsError, record: Recorder) -> None:
        session = self.session
        session.fail(userid, error)
        member = session.keys.staff_key(self.db.connection, userid, record.now)
        coverage.failed(self.db.connection, member.id, error.errcode, record.now)

    def _end_scope(self, error: StoreOpsError) -> None:
        """Nothing more can be read; name everybody who was not, and blame nobody of them."""
        self._ending = error
        session, connection = self.session, self.db.connection
        session.fail("follows", error)
        for left in chains.unfinished(connection, session.run.id, "follows"):
            for userid in left.members:
                session.fail(userid, error)
            chains.end(connection, left, "failed")
        with self._lock:
            self._waiting.clear()

    def _complete(self, chain: Chain, record: Recorder) -> None:
        connection, session = self.db.connection, self.session
        failed = session.failures()
        read = [userid for userid in chain.members if userid not in failed]
        staff = [session.keys.staff_key(connection, each, record.now).id for each in read]
        missing, lost = coverage.read_completely(
            connection, staff, chains.seen(connection, chain), session.run.id, record
        )
        session.count(Counts(missing=missing, lost=lost))
        chains.end(connection, chain, "complete")

    def _staff_ids(self, chain: Chain) -> list[int]:
        keys, now = self.session.keys, self.session.now
        return [keys.staff_key(self.db.connection, each, now).id for each in chain.members]

    # -- the end ----------------------------------------------------------------------------------

    def _build(self) -> None:
        """Indexes that the first load left for later."""
        counters = self.session.counters

        def on_progress(_what: str, _done: int, _total: int) -> None:
            self.session.check_stop()
            self.session.report_progress(phase="index")

        indexes.build(self.db, on_progress)
        counters.total = counters.done

    def _outcome(self) -> Outcome:
        counted = dict(
            self.db.execute(
                "SELECT outcome, count(*) FROM sync_chain WHERE run_id = ? AND scope = 'follows'"
                " GROUP BY outcome",
                (self.session.run.id,),
            ).fetchall()
        )
        if self.session.failures():
            return "partial" if counted.get("complete") else "failed"
        return "complete"


def _of_members(page: FollowPage, userids: Sequence[str]) -> FollowPage:
    """The page without rows of somebody nobody asked for; those count as unreadable."""
    asked = {userid.lower() for userid in userids}
    rows = page.external_contact_list
    strange = {n for n, row in enumerate(rows) if row.follow_info.userid.lower() not in asked}
    lost = collected()
    if not strange or lost is None:
        return page
    for number in sorted(strange):
        ids = {"external_userid": rows[number].external_contact.external_userid}
        lost.append(LostRow("external_contact_list", number + 1, ids, "follow_info.userid"))
    kept = tuple(row for number, row in enumerate(rows) if number not in strange)
    return replace(page, external_contact_list=kept)


def _unlicensed(userid: str) -> StoreOpsError:
    errcode = code_of(ErrorCondition.NO_LICENCE)
    return StoreOpsError(
        _("WeCom skipped {userid}: the member has no licence ({errcode}).").format(
            userid=userid, errcode=errcode
        ),
        errcode=errcode,
    )
