"""Customer handovers (doc 92125): every attempt, and what becomes of it as time passes."""

from __future__ import annotations

import dataclasses
from collections import defaultdict
from heapq import heappop, heappush
from typing import TYPE_CHECKING, Any

from storeops.sandbox.clock import DAY, day_start
from storeops.sandbox.follows import ADMIN, GONE
from storeops.sandbox.handover.decisions import (
    ACCEPT,
    DELETE,
    REFUSE,
    WAIT,
    Decision,
    natural_decision,
)
from storeops.sandbox.handover.groups import GroupMoves
from storeops.sandbox.handover.predictable import PredictableRefusals
from storeops.sandbox.organisation import LEFT, Member

if TYPE_CHECKING:
    from collections.abc import Iterator

    from storeops.sandbox.corp import Corp
    from storeops.sandbox.settings import Settings

DONE, WAITING, REFUSED, FULL, BROKEN = 1, 2, 3, 4, 5  # `status` of transfer_result
WORDS = {DONE: "done", WAITING: "waiting", REFUSED: "refused", FULL: "taker_full", BROKEN: "broken"}
ON_JOB, RESIGNED = "on_job", "resigned"
TRANSFERRED = 202  # add_way of a relation that was handed over
SHARED_CAPACITY = 20_000  # customers a member may hold unless the corp bought more: published


@dataclasses.dataclass(slots=True)
class Attempt:
    """One accepted request for one customer."""

    number: int
    kind: str
    customer: int  # row
    from_owner: int  # member number
    to_owner: int
    follow: int  # the relation that is to move
    asked_at: int
    due_at: int
    decision: Decision
    by_api: bool  # False: an admin did it in the console
    status: int = WAITING
    settled_at: int = 0
    reason: str = ""


class Handovers:
    """Attempts with the indexes that answers need. `conclude` must run before anything is read."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.running: dict[int, int] = {}  # customer row → attempt
        self.by_pair: dict[tuple[str, int, int], list[int]] = defaultdict(list)
        self.by_customer: dict[int, list[int]] = defaultdict(list)
        self.waiting_for: dict[int, int] = defaultdict(int)  # taker → attempts that wait
        self.decisions: dict[int, Decision] = {}  # set by hand, customer row → will
        self.groups = GroupMoves()
        self.predictable = PredictableRefusals()
        self._agenda: list[tuple[int, int]] = []  # (moment, attempt)

    # -- asking

    def begin(
        self,
        corp: Corp,
        settings: Settings,
        kind: str,
        from_owner: Member,
        to_owner: Member,
        follow: int,
        now: int,
        by_api: bool = True,
        decision: Decision | None = None,
    ) -> Attempt:
        """Accept a request: it waits until somebody acts or the time is over."""
        customer = corp.follows.customer[follow]
        decision = decision or self.decisions.get(customer)
        decision = decision or natural_decision(
            corp.seed, corp.customers.id(customer), len(self.by_customer[customer]), settings
        )
        if kind == RESIGNED and decision.act == REFUSE and not settings.resigned_can_refuse:
            decision = Decision(WAIT)
        if follow in corp.follows.deleted_by_customer_at:
            decision = Decision(REFUSE)  # who deleted the former owner cannot be asked: shows as 3
        due = now + settings.handover_hours * 3600
        attempt = Attempt(
            len(self.attempts),
            kind,
            customer,
            from_owner.number,
            to_owner.number,
            follow,
            now,
            due,
            decision,
            by_api,
        )
        self.attempts.append(attempt)
        self.running[customer] = attempt.number
        self.by_pair[kind, from_owner.number, to_owner.number].append(attempt.number)
        self.by_customer[customer].append(attempt.number)
        self.waiting_for[to_owner.number] += 1
        moment = due if decision.act == WAIT else min(due, now + decision.after_s)
        heappush(self._agenda, (moment, attempt.number))
        return attempt

    def running_attempt(self, customer: int) -> Attempt | None:
        """The attempt this customer is in, if any."""
        number = self.running.get(customer)
        return None if number is None else self.attempts[number]

    def recent(self, customer: int, now: int, settings: Settings) -> list[Attempt]:
        """On-the-job attempts that count for the 90-day rule today (doc 92125)."""
        first_day = day_start(now) - (settings.handover_repeat_days - 1) * DAY
        only_done = settings.handover_repeat_counts == "done"
        return [
            a
            for n in self.by_customer.get(customer, ())
            if (a := self.attempts[n]).kind == ON_JOB
            and a.asked_at >= first_day
            and (not only_done or a.status in (DONE, WAITING))
        ]

    # -- time

    def conclude(self, corp: Corp, settings: Settings, now: int) -> int:
        """Let everything happen that is due up to now, in order; returns how much."""
        count = 0
        agenda = self._agenda
        while agenda and agenda[0][0] <= now:
            moment, number = heappop(agenda)
            self._happen(corp, settings, self.attempts[number], moment)
            count += 1
        return count + self.groups.conclude(corp, settings, now)

    def _happen(self, corp: Corp, settings: Settings, attempt: Attempt, moment: int) -> None:
        follows = corp.follows
        members = corp.organisation.members
        from_owner, to_owner = members[attempt.from_owner], members[attempt.to_owner]
        if follows.flags[attempt.follow] & GONE or to_owner.status == LEFT:
            why = "taker left" if to_owner.status == LEFT else "relation gone"
            self._end(attempt, BROKEN, moment, why)
            return
        if attempt.decision.act == DELETE:
            follows.deleted_by_customer_at[attempt.follow] = moment
            self._end(attempt, REFUSED, moment, "customer deleted the former owner")
            if from_owner.status != LEFT:
                self._event(corp, moment, "del_follow_user", from_owner, attempt.customer)
            return
        if attempt.decision.act == REFUSE:
            self._end(attempt, REFUSED, moment, "customer refused")
            if attempt.kind == RESIGNED and settings.resigned_refusal_drops:
                follows.end(attempt.follow)
            self._fail_event(corp, settings, moment, to_owner, attempt.customer, "customer_refused")
            return
        existing = follows.between(corp.customers, attempt.to_owner, attempt.customer)
        checks = settings.handover_capacity in ("settle", "both")
        if existing < 0 and checks and len(corp.held_by(to_owner)) >= to_owner.capacity:
            self._end(attempt, FULL, moment, "customer limit of the successor")
            self.predictable.name_trouble(str(to_owner.number), 40099, len(corp.held_by(to_owner)))
            why = "customer_limit_exceed"
            self._fail_event(corp, settings, moment, to_owner, attempt.customer, why)
            return
        self._complete(corp, settings, attempt, from_owner, to_owner, existing, moment)

    def _complete(
        self,
        corp: Corp,
        settings: Settings,
        attempt: Attempt,
        from_owner: Member,
        to_owner: Member,
        existing: int,
        moment: int,
    ) -> None:
        follows, old = corp.follows, attempt.follow
        follows.end(old)
        if existing < 0:
            known = self._was_here_before(corp, attempt)
            new = follows.add(
                corp.customers, attempt.customer, to_owner.number, moment, TRANSFERRED, ADMIN
            )
            if settings.handover_tags_travel:
                follows.set_tags(new, follows.tags[old])
                if old in follows.personal:
                    follows.personal[new] = follows.personal[old]
            if settings.handover_remark_travels:
                follows.remark[new] = follows.remark[old]
                for column in (follows.description, follows.company):
                    if old in column:
                        column[new] = column[old]
                if old in follows.mobiles:
                    follows.mobiles[new] = follows.mobiles[old]
            if not known:
                self._event(corp, moment, "add_external_contact", to_owner, attempt.customer)
        if attempt.kind == ON_JOB and from_owner.status != LEFT:
            row = self._event(corp, moment, "del_external_contact", from_owner, attempt.customer)
            row["Source"] = "DELETE_BY_TRANSFER"
        self._end(
            attempt, DONE, moment, "agreed" if attempt.decision.act == ACCEPT else "time passed"
        )

    @staticmethod
    def _was_here_before(corp: Corp, attempt: Attempt) -> bool:
        """Whether the successor is a former owner: then no add event comes (doc 92125)."""
        follow = corp.customers.first_follow[attempt.customer]
        while follow >= 0:
            if corp.follows.member[follow] == attempt.to_owner:
                return True
            follow = corp.follows.next_same[follow]
        return False

    def _end(self, attempt: Attempt, status: int, moment: int, reason: str) -> None:
        attempt.status, attempt.settled_at, attempt.reason = status, moment, reason
        self.waiting_for[attempt.to_owner] -= 1
        if self.running.get(attempt.customer) == attempt.number:
            del self.running[attempt.customer]

    def _fail_event(
        self,
        corp: Corp,
        settings: Settings,
        moment: int,
        to_owner: Member,
        customer: int,
        reason: str,
    ) -> None:
        if settings.handover_fail_events:
            self._event(corp, moment, "transfer_fail", to_owner, customer)["FailReason"] = reason

    @staticmethod
    def _event(
        corp: Corp, moment: int, change: str, member: Member, customer: int
    ) -> dict[str, Any]:
        row = corp.emit(
            "change_external_contact",
            change,
            UserID=member.userid,
            ExternalUserID=corp.customers.id(customer),
        )
        row["create_time"] = moment
        return row

    # -- looking

    def shown(self, attempt: Attempt, settings: Settings, now: int) -> tuple[int, int] | None:
        """(status, takeover_time) as transfer_result tells it now; None while not told at all."""
        if now < attempt.asked_at + settings.handover_result_lag_s:
            return None
        status = attempt.status
        if status != WAITING and now < attempt.settled_at + settings.handover_settle_lag_s:
            status = WAITING
        if status == BROKEN:
            status = settings.handover_broken_status
            if status == 5 and attempt.kind == RESIGNED:
                status = 3  # there is no 5 after leaving (doc 94082)
            return (status, 0) if status else None
        if status == WAITING:
            return WAITING, attempt.due_at
        return status, attempt.settled_at if status == DONE else 0

    # -- saving

    def dump(self) -> dict[str, Any]:
        """Everything in JSON types, for a saved state."""
        return {
            "attempts": [dataclasses.astuple(a) for a in self.attempts],  # wills become pairs
            "wills": [
                (row, decision.act, decision.after_s) for row, decision in self.decisions.items()
            ],
            "agenda": self._agenda,
            "told": [(*key, held) for key, held in self.predictable.named.items()],
            "groups": self.groups.dump(),
        }

    def restore(self, data: dict[str, Any]) -> None:
        """Take what `dump` gave; the book must be empty."""
        for values in data["attempts"]:
            attempt = Attempt(*values)
            attempt.decision = Decision(*values[8])
            self.attempts.append(attempt)
            self.by_pair[attempt.kind, attempt.from_owner, attempt.to_owner].append(attempt.number)
            self.by_customer[attempt.customer].append(attempt.number)
            if attempt.status == WAITING:
                self.running[attempt.customer] = attempt.number
                self.waiting_for[attempt.to_owner] += 1
        self.decisions = {row: Decision(act, after) for row, act, after in data["wills"]}
        self._agenda = [(moment, number) for moment, number in data["agenda"]]
        self.predictable.named = {(who, code): held for who, code, held in data["told"]}
        self.groups.restore(data["groups"])

    def records(self, corp: Corp) -> Iterator[dict[str, Any]]:
        """Every attempt as it truly stands, in the order they were asked."""
        members, customers = corp.organisation.members, corp.customers
        for a in self.attempts:
            yield {
                "attempt": a.number,
                "kind": a.kind,
                "external_userid": customers.id(a.customer),
                "handover_userid": members[a.from_owner].userid,
                "takeover_userid": members[a.to_owner].userid,
                "asked_at": a.asked_at,
                "due_at": a.due_at,
                "outcome": WORDS[a.status],
                "reason": a.reason,
                "settled_at": a.settled_at or None,
                "by": "api" if a.by_api else "console",
            }
