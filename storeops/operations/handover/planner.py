"""From a wish to a plan: subjects, takers by rule, checks, the plan. Sends nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from storeops.changes import plans
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan, Problem
from storeops.database.database import Database
from storeops.errors import ConflictError, UsageError
from storeops.i18n import _, ngettext
from storeops.jobs.action import Row, Verdict
from storeops.operations.handover import attempts, checks, members, rules, subjects, wish
from storeops.operations.handover.action import HandoverAction
from storeops.operations.handover.assign import Choice, Rule, Taker
from storeops.operations.handover.members import Member
from storeops.operations.handover.moments import BEIJING
from storeops.operations.handover.relations import Followers, followers
from storeops.operations.handover.subjects import Subject
from storeops.operations.handover.wish import Wish


@dataclass(frozen=True, slots=True)
class Share:
    """What one taker gets.

    Attributes:
        userid, name: the taker.
        customers, groups: ready rows.
        load: customers they had before, and that were on their way.
        capacity: customers they may hold.
    """

    userid: str
    name: str
    customers: int
    groups: int
    load: int
    capacity: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "takeover_userid": self.userid,
            "name": self.name,
            "customers": self.customers,
            "group_chats": self.groups,
            "load": self.load,
            "capacity": self.capacity,
        }


@dataclass(frozen=True, slots=True)
class Made:
    """A made plan with what a person wants to know before applying it.

    Attributes:
        plan: the plan.
        shares: takers, those who get most first.
        blocked: (code, reason of the first such row, rows), most first.
        friends: ready rows whose taker has the customer already: no add event will come.
    """

    plan: Plan
    shares: tuple[Share, ...]
    blocked: tuple[tuple[str, str, int], ...]
    friends: int

    def as_dict(self) -> dict[str, Any]:
        """The object of every planner, with the takers behind."""
        return {
            **self.plan.as_dict(),
            "takers": [each.as_dict() for each in self.shares],
            "blocked_by": {code: count for code, _reason, count in self.blocked},
            "friends": self.friends,
        }


def plan_handover(ledger: Ledger, wished: Wish) -> Made:
    """Make a plan of handovers; calls nothing.

    Args:
        ledger: the profile's ledger.
        wished: what is to move, to whom.

    Raises:
        UsageError: the wish contradicts itself or the mirror, or names nobody.
        NotFoundError: no such member, tag, mark, plan or file.
        ConflictError: nothing is there to hand over.
        PolicyError: read-only.
    """
    db, now = ledger.db, ledger.clock.now()
    ledger.policy.may_write()
    found = subjects.of_wish(db, wished, now)
    if not found.rows:
        if found.problems:
            raise UsageError(
                _("No line of the file can be planned: {first}").format(
                    first=found.problems[0].message
                ),
                details={"problems": [each.as_dict() for each in found.problems[:100]]},
            )
        raise ConflictError(
            _("There is nothing to hand over."),
            hint=_("See who has customers waiting: storeops leaver list"),
        )
    return _Planner(ledger, wished, found.rows, found.problems, now).make()


def plan_subjects(
    ledger: Ledger, wished: Wish, rows: Sequence[Subject], problems: Sequence[Problem] = ()
) -> Made:
    """A plan of subjects that are known already; those that name a taker keep that one.

    Raises:
        UsageError: the wish names no taker for the others.
        PolicyError: read-only.
    """
    ledger.policy.may_write()
    return _Planner(ledger, wished, rows, problems, ledger.clock.now()).make()


class _Planner:
    """One wish on its way to a plan."""

    def __init__(
        self,
        ledger: Ledger,
        wished: Wish,
        rows: Sequence[Subject],
        problems: Sequence[Problem],
        now: float,
    ) -> None:
        self.ledger, self.db, self.wished, self.now = ledger, ledger.db, wished, now
        self.subjects = list(rows)
        self.problems = list(problems)
        people = [each.id for each in rows if each.what == rules.CUSTOMER]
        self.known: dict[str, Followers] = followers(self.db, people)
        self.capacity_of = {
            members.find(self.db, who).userid: room for who, room in wished.capacity_of.items()
        }
        self.params: dict[str, Any] = {
            "command": wished.command,
            "made_at": now,
            "capacity": wished.capacity,
            "capacity_of": self.capacity_of,
            "recheck": wished.recheck,
            "personal_tags": wished.personal_tags,
        }
        self.takers: dict[str, Taker] = {}

    def make(self) -> Made:
        """Assign, check, spread if wished, store."""
        choices = self._assign()
        rows = self._rows(choices)
        verdicts = self._verdicts(rows)
        if self.wished.spread:
            rows, verdicts = self._spread(rows, verdicts)
        self._remember_earlier(rows)
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
        self.params["messages"] = self._messages(rows)
        plan = plans.make(
            self.ledger,
            HandoverAction.name,
            rows,
            verdicts,
            params=self.params,
            problems=self.problems,
            title=self._title(rows),
            reason=self.wished.reason,
        )
        return Made(plan, self._shares(rows, verdicts), _by_code(verdicts), friends)

    # -- takers

    def _taker(self, member: Member, weight: float = 1.0) -> Taker:
        key = member.userid.lower()
        if key not in self.takers:
            told = attempts.troubles(self.db, [] if self.wished.recheck else [member.userid])
            room = checks.capacities(self.params, told, [member.userid])[key]
            today = None
            if self.wished.per_day is not None:
                done = attempts.asked_today(self.db, rules.CUSTOMER, [member.userid], self.now)
                today = max(0, self.wished.per_day - done[key])
            groups = attempts.asked_today(self.db, rules.GROUP, [member.userid], self.now)[key]
            self.takers[key] = Taker(
                member,
                members.loads(self.db, [member])[member.id],
                room,
                self.wished.cap,
                today,
                weight,
                groups_today=max(0, rules.GROUPS_A_DAY - groups),
            )
        return self.takers[key]

    def _eligible(self, people: Sequence[Member]) -> list[Member]:
        told = attempts.troubles(
            self.db, [] if self.wished.recheck else [each.userid for each in people]
        )
        return [
            each
            for each in people
            if checks.taker(each, each.userid, told.get(each.userid.lower(), {})).ready
        ]

    def _rule(self) -> Rule:
        wished = self.wished
        name = wished.rule
        if name and name not in wish.RULES:
            raise UsageError(
                _("There is no rule {rule}.").format(rule=name),
                hint=_("Rules: {rules}.").format(rules=", ".join(wish.RULES)),
            )
        if name in (wish.BY_TAG, wish.BY_DATE):
            return self._mapping(name)
        if not wished.takers:
            if name != wish.SAME_STORE:
                raise UsageError(
                    _("Nobody was named to take over."),
                    hint=_("Add --to USERID, or --rule same-store for the giver's colleagues."),
                )
            givers = {each.giver.id: each.giver for each in self.subjects}
            leaving = [each.userid for each in givers.values()]
            shops = dict.fromkeys(each.store_id for each in givers.values())
            people = [m for shop in shops for m in members.colleagues(self.db, shop, leaving)]
            return Rule(name, [self._taker(each) for each in self._eligible(people)])
        named = [members.find(self.db, each) for each in wished.takers]
        if len(named) == 1 and not name:
            return Rule("", [self._taker(named[0])])
        weights = {members.find(self.db, k).id: v for k, v in wished.weights.items()}
        if any(each <= 0 for each in weights.values()):
            raise UsageError(_("Weights must be larger than 0."))
        good = self._eligible(named)
        for member in named:
            if member not in good:
                told = attempts.troubles(self.db, [member.userid]).get(member.userid.lower(), {})
                verdict = checks.taker(member, member.userid, told)
                self.problems.append(Problem(verdict.code, verdict.reason, warning=True))
        if not good:
            raise UsageError(
                _("None of the takers can take over: {reason}").format(
                    reason=self.problems[-1].message
                )
            )
        people = list({each.id: each for each in good}.values())
        takers = [self._taker(each, weights.get(each.id, 1.0)) for each in people]
        return Rule(name or wish.LEAST_LOADED, takers)

    def _mapping(self, name: str) -> Rule:
        if not self.wished.map:
            raise UsageError(
                _("The rule {rule} needs to know who takes what.").format(rule=name),
                hint=_("Add --map KEY=USERID as often as needed; * stands for the rest."),
            )
        pairs: list[tuple[object, str]] = []
        labels: dict[object, str] = {}
        people: dict[int, Member] = {}
        for text, who in self.wished.map:
            member = members.find(self.db, who)
            people[member.id] = member
            if text == "*":
                pairs.append(("", member.userid))
                continue
            key: object = _moment(text) if name == wish.BY_DATE else _tag(self.db, text)
            pairs.append((key, member.userid))
            labels[key] = text
        return Rule(name, [self._taker(each) for each in people.values()], pairs, labels)

    # -- rows

    def _assign(self) -> list[Choice]:
        rule: Rule | None = None
        tags: Mapping[int, set[str]] = {}
        if self.wished.rule == wish.BY_TAG:
            tags = subjects.tags_of(self.db, self.subjects)
        chosen: list[Choice] = []
        barred = self._barred()
        for each in self.subjects:
            if each.id in barred:
                chosen.append(Choice("", ""))  # nobody's caps are used up by those who stay
                continue
            if each.to:
                why = (
                    _("named in line {line}").format(line=each.line)
                    if each.line
                    else _("had this customer before")
                )
                chosen.append(Choice(each.to, why))
                continue
            rule = rule or self._rule()
            if each.what == rules.GROUP:
                chosen.append(rule.pick_for_group(each.giver))
                continue
            friends = self._friends(each)
            chosen.append(
                rule.pick(
                    each.giver,
                    friends=friends,
                    createtime=each.createtime,
                    tags=tags.get(each.follow_id, set()),
                )
            )
        return chosen

    def _barred(self) -> set[str]:
        """Customers whom nobody can take now, whoever it would be."""
        rows = [
            self._row(number, each, Choice("", ""))
            for number, each in enumerate(self.subjects, start=1)
            if each.what == rules.CUSTOMER
        ]
        facts = checks.gather(self.db, rows, self.params, self.now)
        return {row.external_userid for row in rows if not checks.without_taker(facts, row).ready}

    def _friends(self, subject: Subject) -> set[str]:
        known = self.known.get(subject.id)
        if known is None:
            return set()
        return {userid for userid, each in known.by_userid.items() if each.status == "active"}

    def _rows(self, choices: Sequence[Choice]) -> list[Row]:
        return [
            self._row(number, subject, choice)
            for number, (subject, choice) in enumerate(
                zip(self.subjects, choices, strict=True), start=1
            )
        ]

    def _remember_earlier(self, rows: Sequence[Row]) -> None:
        """Note how earlier attempts of the same pair ended: results list them, too."""
        pairs: dict[tuple[str, str, str], list[Row]] = {}
        for row in rows:
            if row.external_userid and row.extra["to"]:
                key = (str(row.extra["kind"]), row.userid, str(row.extra["to"]))
                pairs.setdefault(key, []).append(row)
        for (kind, giver, taker), some in pairs.items():
            if not _pair_is_known(self.db, kind, giver, taker):
                continue
            before = attempts.earlier(
                self.db, kind, giver, taker, [row.external_userid for row in some]
            )
            for row in some:
                if row.external_userid in before:
                    row.extra["earlier"] = before[row.external_userid]  # type: ignore[index]

    def _row(self, number: int, subject: Subject, choice: Choice) -> Row:
        extra: dict[str, Any] = {
            "what": subject.what,
            "kind": subject.kind,
            "to": choice.userid,
            "why": choice.why if choice.userid else "",
        }
        if not choice.userid and choice.why:
            extra["nobody"] = choice.why
            if self.wished.per_day is not None:
                extra["nobody_until"] = rules.midnight(self.now) + rules.DAY_S
        giver = subject.giver.userid
        if subject.what == rules.GROUP:
            extra["chat_id"] = subject.id
            return Row(
                number,
                userid=giver,
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
            giver,
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
        for taker in self.takers.values():
            taker.given = taker.new = 0
        for row, verdict in zip(rows, verdicts, strict=True):
            if verdict.ready and row.external_userid:
                known = self.takers.get(str(row.extra["to"]).lower())
                if known is not None:
                    known.take(bool(row.extra.get("friend")))
        moved = list(rows)
        helpers: dict[int, Rule] = {}
        for at in full:
            subject = self.subjects[at]
            shop = self._shop_of(str(rows[at].extra["to"]))
            if shop not in helpers:
                people = self._eligible(members.colleagues(self.db, shop, [subject.giver.userid]))
                named = [each.member for each in self.takers.values()]
                everybody = {each.id: each for each in (*self._eligible(named), *people)}
                helpers[shop] = Rule(
                    wish.LEAST_LOADED, [self._taker(each) for each in everybody.values()]
                )
            choice = helpers[shop].pick(
                subject.giver,
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

    def _shop_of(self, userid: str) -> int:
        member = members.by_userids(self.db, [userid]).get(userid.lower())
        return member.store_id if member else 0

    def _offer(self, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> None:
        """Say who could take what does not fit."""
        full: Counter[int] = Counter()
        for row, verdict in zip(rows, verdicts, strict=True):
            if verdict.code == "taker_full":
                full[self._shop_of(str(row.extra["to"]))] += 1
        for shop, count in full.items():
            room = [
                f"{each.userid} ({each.left})"
                for each in (
                    self._taker(m) for m in self._eligible(members.colleagues(self.db, shop))
                )
                if each.left > 0
            ]
            message = ngettext(
                "{count} customer does not fit.", "{count} customers do not fit.", count
            ).format(count=count)
            if room and not self.wished.spread:
                message += " " + _("--spread gives them to colleagues with room: {takers}.").format(
                    takers=", ".join(room[:10])
                )
            self.problems.append(Problem("rebalance", message, warning=True))

    # -- words

    def _messages(self, rows: Sequence[Row]) -> dict[str, str]:
        """The farewell of each pair on the job, filled in; {} when WeCom's own is to be sent."""
        text = self.wished.message
        if not text:
            return {}
        people = {each.giver.userid: each.giver for each in self.subjects}
        if all(each.kind == rules.RESIGNED for each in self.subjects):
            raise UsageError(
                _("A handover after leaving carries no farewell: WeCom has no place for it."),
                hint=_("Leave out --message."),
            )
        filled: dict[str, str] = {}
        for row in rows:
            taker = str(row.extra["to"])
            key = f"{row.userid}>{taker}"
            if key in filled or not taker or row.extra["kind"] != rules.ON_JOB:
                continue
            if row.extra["what"] != rules.CUSTOMER:
                continue
            member = members.by_userids(self.db, [taker]).get(taker.lower())
            filled[key] = _filled(self.db, text, people[row.userid], member)
        return filled

    def _title(self, rows: Sequence[Row]) -> str:
        givers = list(dict.fromkeys(each.giver.label for each in self.subjects))
        count = sum(1 for each in rows if each.external_userid)
        groups = len(rows) - count
        text = ngettext("{count} customer", "{count} customers", count).format(count=count)
        if groups:
            text += " + " + ngettext("{count} group chat", "{count} group chats", groups).format(
                count=groups
            )
        return _("{what} of {givers}").format(
            what=text, givers=", ".join(givers[:3]) + (" …" if len(givers) > 3 else "")
        )

    def _shares(self, rows: Sequence[Row], verdicts: Sequence[Verdict]) -> tuple[Share, ...]:
        counts: dict[str, Counter[str]] = {}
        for row, verdict in zip(rows, verdicts, strict=True):
            if verdict.ready:
                counts.setdefault(str(row.extra["to"]), Counter())[str(row.extra["what"])] += 1
        people = members.by_userids(self.db, counts)
        shares = []
        for userid, count in counts.items():
            taker = self._taker(people[userid.lower()])
            shares.append(
                Share(
                    userid,
                    taker.member.name,
                    count[rules.CUSTOMER],
                    count[rules.GROUP],
                    taker.load,
                    taker.capacity,
                )
            )
        return tuple(sorted(shares, key=lambda each: (-each.customers, -each.groups, each.userid)))


def _pair_is_known(db: Database, kind: str, giver: str, taker: str) -> bool:
    return (
        db.execute(
            "SELECT 1 FROM handover WHERE handover_userid = ? AND takeover_userid = ?"
            " AND kind = ? LIMIT 1",
            (giver, taker, kind),
        ).fetchone()
        is not None
    )


def _by_code(verdicts: Sequence[Verdict]) -> tuple[tuple[str, str, int], ...]:
    counts = Counter(each.code for each in verdicts if not each.ready)
    reasons: dict[str, str] = {}
    for each in verdicts:
        reasons.setdefault(each.code, each.reason)
    return tuple((code, reasons[code], count) for code, count in counts.most_common())


def _filled(db: Database, text: str, giver: Member, taker: Member | None) -> str:
    """The farewell with its placeholders filled in.

    Raises:
        UsageError: an unknown placeholder, or too long once filled.
    """
    values = {
        "from": giver.name or giver.userid,
        "to": (taker.name or taker.userid) if taker else "",
        "store": members.store_name(db, taker.store_id) if taker else "",
    }
    try:
        message = text.format_map(values)
    except (KeyError, ValueError, IndexError, AttributeError):
        raise UsageError(
            _("The farewell has a placeholder that is not known."),
            hint=_("Known: {from}, {to}, {store}. Braces themselves are written {{ and }}."),
        ) from None
    if len(message) > rules.MESSAGE_CHARACTERS:
        raise UsageError(
            _("The farewell is {count} characters long; 200 are allowed.").format(
                count=len(message)
            ),
            hint=_("Shorten it; names count too once they are filled in."),
        )
    return message


def _moment(text: str) -> int:
    """00:00 Beijing time of a day written 2026-05-01."""
    try:
        return int(datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=BEIJING).timestamp())
    except ValueError:
        raise UsageError(
            _("{text} is not a day.").format(text=text), hint=_("Write it as 2026-05-01.")
        ) from None


def _tag(db: Database, text: str) -> str:
    """A tag id by id, `group/name` or an unambiguous name."""
    from storeops.operations.tag_names import TagNames

    return TagNames(db).find(text).tag_id
