"""Asking how handovers ended, until every one is known: pair by pair, with the fewest calls.

An attempt is asked about after its due moment, together with all others of its pair that fall due
about then. What WeCom does not show yet is asked again after a while. `transfer_fail` events may
call an attempt early (`hint`), but nothing depends on them.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import TYPE_CHECKING

from storeops import retrying
from storeops.changes import plans, row_results
from storeops.changes.action import (
    DONE,
    FAILED,
    NO_RECORD,
    VANISHED,
    WAITING,
    RowResult,
)
from storeops.changes.ledger import Ledger
from storeops.clock import Clock
from storeops.domains.handover import customer_calls, group_calls, rules
from storeops.domains.handover.attempts import earlier
from storeops.domains.handover.outcomes import Outcome, resolve
from storeops.domains.handover.record import ASK_S, ask_at
from storeops.domains.handover.relations import followers
from storeops.domains.handover.watch_result import Asked, Attempt, Pair, WatchResult
from storeops.errors import StoreOpsError
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import LostRow, collecting_lost

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient

PATIENT_POLLS = 3  # asks that come quickly; later ones come at growing distances
GROUP_GIVES_UP_S = 48 * 3600  # a group that still waits for its new owner then has failed
ASKERS = 3  # pairs asked about at the same time
CLAIM_S = 300  # for so long another process leaves a pair alone
NEAR_S = 15  # asking once waits for what falls due in so few seconds
TOGETHER_S = 60  # attempts of a pair that fall due so close together are asked about at once


Progress = Callable[[WatchResult], None]


def watch(
    ledger: Ledger,
    client: WeComClient,
    *,
    seconds: float | None = None,
    until_settled: bool = False,
    everything: bool = False,
    stop: threading.Event | None = None,
    on_progress: Progress | None = None,
) -> WatchResult:
    """Ask about everything that is due; keep the answers.

    Args:
        ledger: the profile's ledger.
        client: the client.
        seconds: go on for so long (WeCom's clock), waiting for what falls due meanwhile; None
            asks once.
        until_settled: go on until nothing waits any more.
        everything: ask about every waiting pair now, due or not (first round only).
        stop: set from outside: end after the call in flight.
        on_progress: called after every pair.

    Raises:
        StoreOpsError: WeCom refuses everybody (secret, permission, IP), or the database cannot be
            written. A pair that fails alone is named in the result and asked again later.
    """
    return _Watch(ledger, client, stop or threading.Event(), on_progress).run(
        seconds, until_settled, everything
    )


class _Watch:
    """One watching: rounds over the pairs that are due."""

    def __init__(
        self,
        ledger: Ledger,
        client: WeComClient,
        stop: threading.Event,
        on_progress: Progress | None,
    ) -> None:
        self._ledger, self._db, self._client = ledger, ledger.db, client
        self._clock: Clock = ledger.clock
        self._stop = stop
        self._progress = on_progress or (lambda watched: None)
        self._staying = False  # there will be another round: neighbours may be waited for
        self.result = WatchResult()

    def run(self, seconds: float | None, until_settled: bool, everything: bool) -> WatchResult:
        """Rounds until the end; see `watch`."""
        self._learn_time()
        until = None if seconds is None else self._clock.now() + seconds
        self._staying = until_settled or seconds is not None
        self._look_ahead()
        with ThreadPoolExecutor(ASKERS, "asker") as pool:
            return self._rounds(pool, until, until_settled, everything)

    def _rounds(
        self, pool: ThreadPoolExecutor, until: float | None, until_settled: bool, everything: bool
    ) -> WatchResult:
        while True:
            self._round(pool, everything)
            everything = False
            self._look_ahead()
            if self._stop.is_set():
                self.result.ended = "stopped"
            elif not self.result.waiting:
                self.result.ended = "settled"
            elif until is None and not until_settled and not self._nearly_due():
                self.result.ended = "once"
            elif until is not None and self._clock.now() >= until:
                self.result.ended = "time"
            if self.result.ended:
                return self.result
            self._wait(until)

    def _nearly_due(self) -> bool:
        following = self.result.next_at
        return following is not None and following - self._clock.now() <= NEAR_S

    def _learn_time(self) -> None:
        """When nothing seems due, ask WeCom's clock: this machine's may be behind."""
        self._look_ahead()
        if self.result.next_at is not None and self.result.next_at > self._clock.now():
            self._client.learn_time()

    def _look_ahead(self) -> None:
        waiting, following = self._db.execute(
            "SELECT count(*), min(ask_at) FROM handover WHERE status = 'waiting'"
        ).fetchone()
        self.result.waiting, self.result.next_at = waiting, following

    def _wait(self, until: float | None) -> None:
        now = self._clock.now()
        target = self.result.next_at or now
        if until is not None:
            target = min(target, until)
        # WeCom's clock may jump (a sandbox's does): look again at least every minute
        self._stop.wait(min(60.0, max(1.0, target - now)))
        if target - now > 60.0:
            self._learn_time()

    # -- one round

    def _round(self, pool: ThreadPoolExecutor, everything: bool) -> None:
        todo = iter(self._due(everything))
        flying = [
            (pair, mine, pool.submit(self._fetch, pair, mine))
            for pair, mine in islice(todo, ASKERS * 2)
        ]
        while flying:
            pair, mine, future = flying.pop(0)
            refused: StoreOpsError | None = None
            try:
                calls, found, lost = future.result()
                error = lost_row(lost[0]).message if lost else ""
            except StoreOpsError as raised:
                if _hopeless(raised):
                    for _pair, _mine, other in flying:
                        other.cancel()
                    raise
                calls, found, lost, error, refused = 1, {}, None, raised.message, raised
            asked = self.result.of(pair)
            asked.error, asked.refused = error, refused
            self._keep(asked, mine, calls, found, lost)
            if not self._stop.is_set():
                flying += [
                    (pair, mine, pool.submit(self._fetch, pair, mine))
                    for pair, mine in islice(todo, 1)
                ]

    def _due(self, everything: bool) -> Iterator[tuple[Pair, list[Attempt]]]:
        """Pairs that are due, soonest first, each claimed so that nobody else asks at once."""
        now = self._clock.now()
        limit = now if not everything else float("inf")
        pairs = self._db.execute(
            "SELECT what, kind, handover_userid, takeover_userid, min(due_at) FROM handover"
            " WHERE status = 'waiting' AND ask_at <= ?"
            " GROUP BY what, kind, handover_userid, takeover_userid ORDER BY 5, 3, 4",
            (limit,),
        ).fetchall()
        for *record, due in pairs:
            pair = Pair(*record)
            if self._staying and not everything and self._neighbours_follow(pair, due, now):
                continue
            mine = self._claim(pair, limit)
            if mine:
                yield pair, mine

    def _neighbours_follow(self, pair: Pair, due: float, now: float) -> bool:
        """Whether more of the pair falls due in a moment, so that one call can serve all."""
        record = self._db.execute(
            # + keeps SQLite on the index of pairs: moments are shared by many pairs
            "SELECT max(ask_at) FROM handover WHERE status = 'waiting' AND +ask_at > ?"
            " AND +ask_at <= ? AND what = ? AND kind = ? AND handover_userid = ?"
            " AND takeover_userid = ?",
            (now, due + TOGETHER_S, pair.what, pair.kind, pair.handover_userid,
             pair.takeover_userid),
        ).fetchone()  # fmt: skip
        return record[0] is not None

    def _claim(self, pair: Pair, limit: float) -> list[Attempt]:
        """All waiting attempts of a pair, when one of them is due; [] when somebody else has it."""
        key = (pair.what, pair.kind, pair.handover_userid, pair.takeover_userid)
        where = (
            "status = 'waiting' AND what = ? AND kind = ? AND handover_userid = ?"
            " AND takeover_userid = ?"
        )
        with self._db.atomic() as connection:
            took = connection.execute(
                f"UPDATE handover SET ask_at = ? WHERE {where} AND +ask_at <= ?",
                (self._clock.now() + CLAIM_S, *key, limit),
            ).rowcount
            if not took:
                return []
            found = connection.execute(
                "SELECT plan_id, row, subject, asked_at, due_at, asks FROM handover"
                f" WHERE {where} ORDER BY plan_id, row",
                key,
            ).fetchall()
        return [Attempt(*each) for each in found]

    # -- asking (on threads; no database)

    def _fetch(
        self, pair: Pair, mine: Sequence[Attempt]
    ) -> tuple[int, dict[str, list[tuple[int, int]]], list[LostRow]]:
        with collecting_lost() as lost:
            return *self._ask(pair, mine), lost

    def _ask(
        self, pair: Pair, mine: Sequence[Attempt]
    ) -> tuple[int, dict[str, list[tuple[int, int]]]]:
        if pair.what == rules.GROUP:
            owners = [pair.handover_userid, pair.takeover_userid]
            seen = group_calls.statuses(self._client, owners)
            return 1, {chat: [(status, 0)] for chat, status in seen.items()}
        wanted = {each.subject for each in mine}
        found: dict[str, list[tuple[int, int]]] = defaultdict(list)
        calls = 0
        for page in customer_calls.pages_of(
            self._client, pair.kind, pair.handover_userid, pair.takeover_userid
        ):
            calls += 1
            for row in page:
                if row.external_userid in wanted:
                    found[row.external_userid].append((row.status, row.takeover_time))
        return calls, found

    # -- keeping

    def _keep(
        self,
        asked: Asked,
        mine: Sequence[Attempt],
        calls: int,
        found: dict[str, list[tuple[int, int]]],
        lost: Sequence[LostRow] | None,
    ) -> None:
        """Keep the answers; `lost`: rows that cannot be read, None when nothing was read."""
        pair = asked.pair
        now = self._clock.now()
        settled: list[tuple[Attempt, RowResult]] = []
        later: list[tuple[float, float, int, int, int]] = []  # due, ask, asks, plan, row
        known = [] if lost is None else [e for e in mine if not _unread(e.subject, found, lost)]
        ends = self._ends(pair, known, found, now)
        for each in mine:
            outcome = ends.get((each.plan_id, each.row))
            if outcome is not None and outcome.status != WAITING:
                settled.append((each, self._answer(pair, each, outcome, now)))
                continue
            later.append(_later(each, outcome, now))
        counts: Counter[str] = Counter(answer.status for _each, answer in settled)
        by_plan: dict[int, list[RowResult]] = defaultdict(list)
        for each, answer in settled:
            by_plan[each.plan_id].append(answer)
        for plan_id, some in by_plan.items():
            name = plans.by_id(self._db, plan_id).name
            for answer in some:
                self.result.plans[answer.status].add(name)
            row_results.record_late_results(self._ledger, plan_id, some, "watch")
        if later:
            with self._db.atomic() as connection:
                connection.executemany(
                    "UPDATE handover SET due_at = ?, ask_at = ?, asks = ?"
                    " WHERE plan_id = ? AND row = ? AND status = 'waiting'",
                    later,
                )
        asked.calls += calls
        asked.settled += counts
        asked.waiting = len(later)
        self.result.calls += calls
        self.result.settled += counts
        self.result.waiting = max(0, self.result.waiting - len(settled))
        self._progress(self.result)

    def _ends(
        self,
        pair: Pair,
        mine: Sequence[Attempt],
        found: dict[str, list[tuple[int, int]]],
        now: float,
    ) -> dict[tuple[int, int], Outcome]:
        if pair.what == rules.GROUP:
            return self._group_ends(mine, found, now)
        before = earlier(
            self._db,
            pair.kind,
            pair.handover_userid,
            pair.takeover_userid,
            [each.subject for each in mine],
        )
        ends: dict[tuple[int, int], Outcome] = {}
        for each in mine:
            outcome = resolve(
                found.get(each.subject, []),
                asked_at=each.asked_at,
                due_at=each.due_at,
                earlier=before.get(each.subject, []),
                now=now,
            )
            if outcome is not None:
                ends[each.plan_id, each.row] = outcome
        self._note_vanished(pair, mine, ends)
        return ends

    def _note_vanished(
        self, pair: Pair, mine: Sequence[Attempt], ends: dict[tuple[int, int], Outcome]
    ) -> None:
        """No record, and the relation is gone: it vanished while the handover waited."""
        lost = [
            each for each in mine
            if (end := ends.get((each.plan_id, each.row))) and end.status == NO_RECORD
        ]  # fmt: skip
        if not lost:
            return
        known = followers(self._db, [each.subject for each in lost])
        for each in lost:
            follower = known.get(each.subject)
            relation = follower.by_userid.get(pair.handover_userid.lower()) if follower else None
            if relation is None or relation.status in ("lost", "handed_over", "missing"):
                ends[each.plan_id, each.row] = Outcome(VANISHED)

    def _group_ends(
        self, mine: Sequence[Attempt], found: dict[str, list[tuple[int, int]]], now: float
    ) -> dict[tuple[int, int], Outcome]:
        ends: dict[tuple[int, int], Outcome] = {}
        for each in mine:
            key = (each.plan_id, each.row)
            shown = found.get(each.subject)
            if shown is None:
                if now >= each.due_at:
                    ends[key] = Outcome(VANISHED)  # dissolved meanwhile
                continue
            status = shown[0][0]
            if status in (0, group_calls.INHERITED):
                ends[key] = Outcome(DONE, now)
            elif status == 1 and now >= each.asked_at + GROUP_GIVES_UP_S:
                ends[key] = Outcome(FAILED)
        return ends

    def _answer(self, pair: Pair, each: Attempt, outcome: Outcome, now: float) -> RowResult:
        at = outcome.at or now
        extra = {
            "handover_userid": pair.handover_userid,
            "takeover_userid": pair.takeover_userid,
            "due_at": each.due_at,
            "settled_at": at,
            "asked_at": each.asked_at,
        }
        if pair.what == rules.GROUP:
            extra["chat_id"] = each.subject
        return RowResult(each.row, outcome.status, extra=extra)


def _unread(subject: str, found: dict[str, list[tuple[int, int]]], lost: Sequence[LostRow]) -> bool:
    """Whether a row that cannot be read may be this one's: then nothing is known of its end."""
    ids = [set(row.ids.values()) for row in lost]
    return any(subject in each for each in ids) or (subject not in found and not all(ids))


def _later(
    each: Attempt, outcome: Outcome | None, now: float
) -> tuple[float, float, int, int, int]:
    """When to ask about an attempt again."""
    due = each.due_at
    if outcome is not None and outcome.status == WAITING and outcome.at:
        due = outcome.at  # WeCom names the moment itself
    if due + ASK_S > now:
        return due, ask_at(due), 0, each.plan_id, each.row
    polls = each.polls + 1
    return (
        due,
        now + retrying.WATCH.after(max(1, polls - PATIENT_POLLS + 2)),
        polls,
        each.plan_id,
        each.row,
    )


def _hopeless(error: StoreOpsError) -> bool:
    """Whether every other pair would meet the same refusal."""
    from storeops.wecom.errors import StoppedError, lasts

    return lasts(error) or isinstance(error, StoppedError)
