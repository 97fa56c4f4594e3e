"""From a request to a plan: subjects, takers by rule, checks, the plan. Sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from storeops.changes import plans
from storeops.changes.action import Row, Verdict
from storeops.changes.ledger import Ledger
from storeops.changes.problems import Problem, Problems
from storeops.database.database import Database
from storeops.domains.handover import assign, attempts, checks, rules, subjects
from storeops.domains.handover.action import HandoverAction
from storeops.domains.handover.assign import Assignment, AssignmentRule
from storeops.domains.handover.candidates import Candidates
from storeops.domains.handover.plan_result import PlanResult, by_code, shares, ways_out
from storeops.domains.handover.relations import Followers, followers
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.handover.subjects import Subject
from storeops.domains.handover.success_message import messages
from storeops.errors import PartialError, StoreOpsError
from storeops.i18n import N_, _, aside, kept, kept_plural, ngettext, sentences
from storeops.mirror import members
from storeops.plain import plain


def plan_handover(ledger: Ledger, request: HandoverRequest) -> PlanResult:
    """Make a plan of handovers; calls nothing.

    Args:
        ledger: the profile's ledger.
        request: what is to move, to whom.

    Raises:
        UsageError: the request contradicts itself or the mirror, or names nobody.
        NotFoundError: no such member, tag, mark, plan or file.
        NothingToDoError: nothing is there to hand over.
        PartialError: no line of the file can be planned.
        PolicyError: read-only.
    """
    db, now = ledger.db, ledger.clock.now()
    ledger.policy.may_write()
    found = subjects.of_request(db, request, now)
    if not found.rows:
        if found.problems:
            raise PartialError(
                _("No line of the file can be planned: {first}").format(
                    first=next(iter(found.problems)).message
                ),
                details={
                    "problems": [each.as_dict() for each in found.problems],
                    "file": found.sheet.as_dict() if found.sheet else None,
                },
            )
        raise plans.nothing_to_do(HandoverAction.name)
    made = _Planner(ledger, request, found.rows, found.problems, now).make()
    return replace(made, sheet=found.sheet)


def plan_subjects(
    ledger: Ledger,
    request: HandoverRequest,
    rows: Sequence[Subject],
    problems: Iterable[Problem] = (),
    *,
    none_ready: Callable[[Sequence[Verdict]], StoreOpsError] | None = None,
) -> PlanResult:
    """A plan of subjects that are known already; those that name a taker keep that one.

    Args:
        ledger: the profile's ledger.
        request: how.
        rows: the subjects.
        problems: what is to be said of them.
        none_ready: makes the error to raise when no row could be sent; None plans them blocked.

    Raises:
        UsageError: the request names no taker for the others.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    return _Planner(ledger, request, rows, problems, ledger.clock.now()).make(none_ready)


def has_ready(ledger: Ledger, request: HandoverRequest) -> bool:
    """Whether the plan of a request would have a row that can be sent; nothing is stored.

    Raises:
        StoreOpsError: the request names nobody, or nobody may take over.
    """
    found = subjects.of_request(ledger.db, request, ledger.clock.now())
    draft = _Planner(ledger, request, found.rows, found.problems, ledger.clock.now())
    return draft.has_ready()


def rows_to(
    ledger: Ledger, request: HandoverRequest, rows: Sequence[Subject], choices: list[Assignment]
) -> tuple[list[Row], dict[str, Any]]:
    """The rows of subjects whose takers are chosen, and the parameters of their plan; none made.

    Args:
        ledger: the profile's ledger.
        request: how.
        rows: the subjects.
        choices: the taker of each.
    """
    draft = _Planner(ledger, request, rows, (), ledger.clock.now())
    made = draft.rows(choices)
    draft.remember_earlier(made)
    return made, draft.params


class _Planner:
    """One request on its way to a plan."""

    def __init__(
        self,
        ledger: Ledger,
        request: HandoverRequest,
        rows: Sequence[Subject],
        problems: Iterable[Problem],
        now: float,
    ) -> None:
        self.ledger, self.db, self.request, self.now = ledger, ledger.db, request, now
        self.subjects = list(rows)
        self.problems = Problems(problems)
        people = [each.id for each in rows if each.what == rules.CUSTOMER]
        self.known: dict[str, Followers] = followers(self.db, people)
        self.capacity_of = {
            members.find(self.db, who).userid: room for who, room in request.capacity_of.items()
        }
        self.params: dict[str, Any] = {
            "command": request.command,
            "made_at": now,
            "capacity": request.capacity,
            "capacity_of": self.capacity_of,
            "recheck": request.recheck,
            "personal_tags": request.personal_tags,
        }
        self.candidates = Candidates(
            self.db, request, self.params, self.subjects, self.problems, now
        )

    def has_ready(self) -> bool:
        """Whether any row would be ready."""
        return any(each.ready for each in self._verdicts(self.rows(self._assign())))

    def make(
        self, none_ready: Callable[[Sequence[Verdict]], StoreOpsError] | None = None
    ) -> PlanResult:
        """Assign, check, spread if wished, store."""
        choices = self._assign()
        rows = self.rows(choices)
        verdicts = self._verdicts(rows)
        if self.request.spread:
            rows, verdicts = self._spread(rows, verdicts)
        if none_ready and not any(each.ready for each in verdicts):
            raise none_ready(verdicts)
        self.remember_earlier(rows)
        self._offer(rows, verdicts)
        friends = sum(
            1 for row, verdict in zip(rows, verdicts, strict=True)
            if verdict.ready and row.extra.get("friend")
        )  # fmt: skip
        if friends:
            message = ngettext(
                "{count} customer is a friend of the taker already: no add event will come, and "
                "the taker's own remark stays.",
                "{count} customers are friends of the taker already: no add event will come, and "
                "the taker's own remarks stay.",
                friends,
            ).format(count=friends)
            self.problems.append(Problem("friends", message, warning=True))
        self.params["messages"] = messages(self.db, self.request.message, self.subjects, rows)
        plan = plans.make(
            self.ledger,
            HandoverAction.name,
            rows,
            verdicts,
            params=self.params,
            problems=self.problems,
            strict=self.request.file is not None and self.request.file.strict,
            title=self._title(rows),
            reason=self.request.reason,
        )
        for member in members.by_userids(
            self.db, {str(row.extra["to"]) for row in rows if row.extra["to"]}
        ).values():
            self.candidates.candidate(member)
        names = members.Members(self.db.connection)
        found_by = map(names.try_find, self.request.to_owners)
        named = [each for each in found_by if isinstance(each, members.Member)]
        for member in named:
            self.candidates.candidate(member)
        found = shares(rows, verdicts, self.candidates.known, [each.userid for each in named])
        return PlanResult(plan, found, by_code(verdicts), friends, ways_out(verdicts))

    # -- rows

    def _assign(self) -> list[Assignment]:
        rule: AssignmentRule | None = None
        tags: Mapping[int, set[str]] = {}
        if self.request.rule == assign.BY_TAG:
            tags = subjects.tags_of(self.db, self.subjects)
        chosen: list[Assignment] = []
        barred = self._barred()
        for each in self.subjects:
            if (each.from_owner.userid.lower(), each.id) in barred:
                chosen.append(Assignment("", ""))  # nobody's caps are used up by those who stay
                continue
            if each.to:
                why = (
                    _("named in line {line}").format(line=each.line)
                    if each.line
                    else _("had this customer before")
                )
                chosen.append(Assignment(each.to, why))
                continue
            rule = rule or self.candidates.rule()
            if each.what == rules.GROUP:
                chosen.append(rule.pick_for_group(each.from_owner))
                continue
            friends = self._friends(each)
            chosen.append(
                rule.pick(
                    each.from_owner,
                    friends=friends,
                    createtime=each.createtime,
                    tags=tags.get(each.follow_id, set()),
                    avoid=each.avoid,
                )
            )
        return chosen

    def _barred(self) -> set[tuple[str, str]]:
        """Relations (lower-cased owner, customer) that nobody can take now, whoever it would be."""
        rows = [
            self._row(number, each, Assignment("", ""))
            for number, each in enumerate(self.subjects, start=1)
            if each.what == rules.CUSTOMER
        ]
        facts = checks.gather(self.db, rows, self.params, self.now)
        return {
            (row.userid.lower(), row.external_userid)
            for row in rows
            if not checks.whoever_takes_over(facts, row).ready
        }

    def _friends(self, subject: Subject) -> set[str]:
        known = self.known.get(subject.id)
        if known is None:
            return set()
        return {userid for userid, each in known.by_userid.items() if each.status == "active"}

    def rows(self, choices: Sequence[Assignment]) -> list[Row]:
        """The row of each subject with its taker."""
        return [
            self._row(number, subject, choice)
            for number, (subject, choice) in enumerate(
                zip(self.subjects, choices, strict=True), start=1
            )
        ]

    def remember_earlier(self, rows: Sequence[Row]) -> None:
        """Note how earlier attempts of the same pair ended: results list them, too."""
        pairs: dict[tuple[str, str, str], list[Row]] = {}
        for row in rows:
            if row.external_userid and row.extra["to"]:
                key = (str(row.extra["kind"]), row.userid, str(row.extra["to"]))
                pairs.setdefault(key, []).append(row)
        for (kind, from_owner, to_owner), some in pairs.items():
            if not _pair_is_known(self.db, kind, from_owner, to_owner):
                continue
            before = attempts.earlier(
                self.db, kind, from_owner, to_owner, [row.external_userid for row in some]
            )
            for row in some:
                if row.external_userid in before:
                    row.extra["earlier"] = before[row.external_userid]  # type: ignore[index]

    def _row(self, number: int, subject: Subject, choice: Assignment) -> Row:
        extra: dict[str, Any] = {
            "what": subject.what,
            "kind": subject.kind,
            "to": choice.userid,
            "why": choice.why if choice.userid else "",
        }
        extra["answer"] = {
            "handover_userid": subject.from_owner.userid,
            "takeover_userid": choice.userid or None,
            "due_at": None,
            "settled_at": None,
        }
        if not choice.userid and choice.why:
            extra["nobody"] = choice.why
            if self.request.per_day is not None:
                extra["nobody_until"] = rules.midnight(self.now) + rules.DAY_S
        from_owner = subject.from_owner.userid
        if subject.what == rules.GROUP:
            extra["chat_id"] = extra["answer"]["chat_id"] = subject.id
            extra["label"] = subject.name
            return Row(
                number,
                userid=from_owner,
                subject=f"group/{subject.id}",
                before={"owner": subject.status},
                after={"owner": choice.userid},
                extra=extra,
            )
        if choice.userid and choice.userid.lower() in self._friends(subject):
            extra["friend"] = True
        return Row(
            number,
            subject.id,
            from_owner,
            before={"status": subject.status or None},
            after={"owner": choice.userid},
            extra=extra,
        )

    def _verdicts(self, rows: Sequence[Row]) -> list[Verdict]:
        return HandoverAction().check(self.ledger.view(self.params), rows)

    # -- who is full

    def _spread(self, rows: list[Row], verdicts: list[Verdict]) -> tuple[list[Row], list[Verdict]]:
        """Give rows that found their taker full to colleagues with room, least loaded first."""
        full = [at for at, each in enumerate(verdicts) if each.code == "taker_full"]
        if not full:
            return rows, verdicts
        for to_owner in self.candidates.known.values():
            to_owner.given = to_owner.new = 0
        for row, verdict in zip(rows, verdicts, strict=True):
            if verdict.ready and row.external_userid:
                known = self.candidates.known.get(str(row.extra["to"]).lower())
                if known is not None:
                    known.take(bool(row.extra.get("friend")))
        moved = list(rows)
        helpers: dict[int, AssignmentRule] = {}
        for at in full:
            subject = self.subjects[at]
            shop = self.candidates.shop_of(str(rows[at].extra["to"]))
            if shop not in helpers:
                people = self.candidates.eligible(
                    members.colleagues(self.db, shop, [subject.from_owner.userid])
                )
                named = [each.member for each in self.candidates.known.values()]
                everybody = {each.id: each for each in (*self.candidates.eligible(named), *people)}
                helpers[shop] = AssignmentRule(
                    assign.LEAST_LOADED,
                    [self.candidates.candidate(each) for each in everybody.values()],
                )
            choice = helpers[shop].pick(
                subject.from_owner,
                friends=self._friends(subject),
                createtime=subject.createtime,
                tags=set(),
            )
            if choice.userid:
                why = _("{member} is full; {why}").format(
                    member=rows[at].extra["to"], why=choice.why
                )
                moved[at] = self._row(rows[at].row, subject, replace(choice, why=why))
        return moved, self._verdicts(moved)

    def _offer(self, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> None:
        """Say who could take what does not fit."""
        full: Counter[int] = Counter()
        for row, verdict in zip(rows, verdicts, strict=True):
            if verdict.code == "taker_full":
                full[self.candidates.shop_of(str(row.extra["to"]))] += 1
        for shop, count in full.items():
            room = [
                aside(each.userid, each.left)
                for each in (
                    self.candidates.candidate(m)
                    for m in self.candidates.eligible(members.colleagues(self.db, shop))
                )
                if each.left > 0
            ]
            message = ngettext(
                "{count} customer does not fit.", "{count} customers do not fit.", count
            ).format(count=count)
            if room and not self.request.spread:
                message = sentences(
                    message,
                    _("--spread gives them to colleagues with room: {takers}.").format(
                        takers=_(", ").join(room[:10])
                    ),
                )
            self.problems.append(Problem("rebalance", message, warning=True))

    # -- words

    def _title(self, rows: Sequence[Row]) -> str:
        people = {each.from_owner.userid: each.from_owner for each in self.subjects}.values()
        same = Counter(each.name for each in people)
        from_owners = [plain(each.name) if same[each.name] == 1 else each.label for each in people]
        count = sum(1 for each in rows if each.external_userid)
        groups = len(rows) - count
        parts = []
        if count or not groups:
            parts.append(kept_plural("{count} customer", "{count} customers", count))
        if groups:
            parts.append(kept_plural("{count} group chat", "{count} group chats", groups))
        if from_owners[3:]:
            from_owners = [*from_owners[:2], f"{from_owners[2]} …"]
        what = parts[0]
        if parts[1:]:
            what = kept(N_("{customers} + {groups}"), customers=what, groups=parts[1])
        return kept(N_("{what} of {givers}"), what=what, givers=from_owners)


def _pair_is_known(db: Database, kind: str, from_owner: str, to_owner: str) -> bool:
    return (
        db.execute(
            "SELECT 1 FROM handover WHERE handover_userid = ? AND takeover_userid = ?"
            " AND kind = ? LIMIT 1",
            (from_owner, to_owner, kind),
        ).fetchone()
        is not None
    )
