"""Candidates: who may take over, with how much room, under which rule."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from storeops import times
from storeops.changes.problems import Problem, Problems
from storeops.database.database import Database
from storeops.domains.handover import assign, attempts, rules, to_owner_checks
from storeops.domains.handover.assign import AssignmentRule, Candidate
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.handover.subjects import Subject
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.wecom.errcodes import ErrorCondition


class Candidates:
    """The candidates of one request.

    Args:
        db: data.db.
        request: the request.
        params: the plan's parameters (capacities).
        subjects: what is to move.
        problems: takes warnings about takers who cannot take over.
        now: WeCom's time, Unix seconds.

    Attributes:
        known: candidates looked up so far, by lower-cased userid.
    """

    def __init__(
        self,
        db: Database,
        request: HandoverRequest,
        params: Mapping[str, Any],
        subjects: Sequence[Subject],
        problems: Problems,
        now: float,
    ) -> None:
        self._db, self._request, self._params, self._now = db, request, params, now
        self._subjects, self._problems = subjects, problems
        self.known: dict[str, Candidate] = {}

    def candidate(self, member: Member, weight: float = 1.0) -> Candidate:
        """A member as a candidate, with load and room; the same object every time."""
        key = member.userid.lower()
        if key not in self.known:
            told = self._earlier_refusals([member])
            room = to_owner_checks.capacities(self._params, told, [member.userid])[key]
            today = None
            if self._request.per_day is not None:
                done = attempts.asked_today(self._db, rules.CUSTOMER, [member.userid], self._now)
                today = max(0, self._request.per_day - done[key])
            groups = attempts.asked_today(self._db, rules.GROUP, [member.userid], self._now)[key]
            self.known[key] = Candidate(
                member,
                attempts.loads(self._db, [member])[member.id],
                room,
                self._request.cap,
                today,
                weight,
                groups_today=max(0, rules.GROUPS_A_DAY - groups),
            )
        return self.known[key]

    def _earlier_refusals(
        self, people: Sequence[Member]
    ) -> dict[str, dict[ErrorCondition, attempts.EarlierRefusal]]:
        """What earlier answers complained about; nothing when it is to be asked anew."""
        userids = [] if self._request.recheck else [each.userid for each in people]
        return attempts.troubles(self._db, userids, self._now)

    def eligible(self, people: Sequence[Member]) -> list[Member]:
        """Those who may take over, in order."""
        told = self._earlier_refusals(people)
        return [
            each
            for each in people
            if to_owner_checks.verdict(each, each.userid, told.get(each.userid.lower(), {})).ready
        ]

    def rule(self) -> AssignmentRule:
        """The wished rule over its candidates.

        Raises:
            UsageError: no such rule, no takers, or none who may take over.
            NotFoundError: no such member or tag.
        """
        request = self._request
        name = request.rule
        if request.again and not name and not request.to_owners:
            name = assign.SAME_STORE  # the proposal for the next taker: a colleague
        if name and name not in assign.RULES:
            raise UsageError(
                _("There is no rule {rule}.").format(rule=name),
                hint=_("Rules: {rules}.").format(rules=_(", ").join(assign.RULES)),
            )
        if name in (assign.BY_TAG, assign.BY_DATE):
            return self._mapping(name)
        if not request.to_owners:
            if name != assign.SAME_STORE:
                raise UsageError(
                    _("Nobody was named to take over."),
                    hint=_("Add --to USERID, or --rule same-store for the giver's colleagues."),
                )
            from_owners = {each.from_owner.id: each.from_owner for each in self._subjects}
            leaving = [each.userid for each in from_owners.values()]
            shops = dict.fromkeys(each.store_id for each in from_owners.values())
            people = [m for shop in shops for m in members.colleagues(self._db, shop, leaving)]
            return AssignmentRule(name, [self.candidate(each) for each in self.eligible(people)])
        named = [members.find(self._db, each) for each in request.to_owners]
        weights = {members.find(self._db, k).id: v for k, v in request.weights.items()}
        if len(named) == 1 and not name:
            return AssignmentRule("", [self.candidate(named[0])])
        if any(each <= 0 for each in weights.values()):
            raise UsageError(_("Weights must be larger than 0."))
        good = self.eligible(named)
        reason = ""
        for member in named:
            if member not in good:
                told = self._earlier_refusals([member]).get(member.userid.lower(), {})
                verdict = to_owner_checks.verdict(member, member.userid, told)
                reason = verdict.reason
                self._problems.append(Problem(verdict.code, reason, warning=True))
        if not good:
            raise UsageError(_("None of the takers can take over: {reason}").format(reason=reason))
        people = list({each.id: each for each in good}.values())
        to_owners = [self.candidate(each, weights.get(each.id, 1.0)) for each in people]
        return AssignmentRule(name or assign.LEAST_LOADED, to_owners)

    def _mapping(self, name: str) -> AssignmentRule:
        if not self._request.map:
            raise UsageError(
                _("The rule {rule} needs to know who takes what.").format(rule=name),
                hint=_("Add --map KEY=USERID as often as needed; * stands for the rest."),
            )
        pairs: list[tuple[object, str]] = []
        labels: dict[object, str] = {}
        people: dict[int, Member] = {}
        for text, who in self._request.map:
            member = members.find(self._db, who)
            people[member.id] = member
            if text == "*":
                pairs.append(("", member.userid))
                continue
            key: object = _moment(text) if name == assign.BY_DATE else _tag(self._db, text)
            pairs.append((key, member.userid))
            labels[key] = text
        return AssignmentRule(
            name, [self.candidate(each) for each in people.values()], pairs, labels
        )

    def shop_of(self, userid: str) -> int:
        """Department id of the shop a member works in, 0 unknown."""
        member = members.by_userids(self._db, [userid]).get(userid.lower())
        return member.store_id if member else 0


def _moment(text: str) -> int:
    """00:00 of a day written 2026-05-01, in the zone of `storeops.times`."""
    try:
        return int(times.start(*map(int, text.split("-", 2))).timestamp())
    except (ValueError, TypeError):
        raise UsageError(
            _("{text} is not a day.").format(text=text), hint=_("Write it as 2026-05-01.")
        ) from None


def _tag(db: Database, text: str) -> str:
    """A tag id by id, `group/name` or an unambiguous name."""
    from storeops.mirror.tag_names import TagNames

    return TagNames(db).find(text).tag_id
