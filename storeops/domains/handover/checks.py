"""Checks of customers before anything is sent: from the mirror and our own journal alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storeops.changes.action import READY, Row, Verdict, blocked
from storeops.database.database import Database
from storeops.domains.handover import attempts, rules, to_owner_checks
from storeops.domains.handover.attempts import EarlierRefusal, RunningHandover
from storeops.domains.handover.relations import Followers, followers
from storeops.i18n import _
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.times import day, minute
from storeops.wecom.errcodes import ErrorCondition


@dataclass(slots=True)
class Facts:
    """Everything the checks of one set of rows look at, read in a few queries."""

    now: float
    people: dict[str, Member]
    loads: dict[str, int]
    capacity: dict[str, int]
    followers: dict[str, Followers]
    running: dict[str, RunningHandover]
    recent: dict[str, list[float]]
    troubles: dict[str, dict[ErrorCondition, EarlierRefusal]]
    taken: dict[str, int] = field(default_factory=dict)  # customers given within these rows
    moving: dict[str, int] = field(default_factory=dict)  # external_userid → row that moves them
    refused: dict[tuple[str, str], float] = field(default_factory=dict)  # (leaver, customer)
    returned: frozenset[str] = frozenset()  # lower-case userids: there again, customers wait
    ask: bool = False  # let WeCom say what it takes, whatever its rules and answers were
    to_owners: dict[str, Verdict] = field(default_factory=dict)
    from_owners: dict[tuple[str, str], Verdict] = field(default_factory=dict)


def gather(
    db: Database, rows: Sequence[Row], params: Mapping[str, Any], now: float, plan_id: int = 0
) -> Facts:
    """Read what the checks need for these customer rows."""
    subjects = [row.external_userid for row in rows]
    to_owners = {str(row.extra["to"]) for row in rows if row.extra.get("to")}
    userids = to_owners | {row.userid for row in rows}
    people = members.by_userids(db, userids)
    known = [people[each.lower()] for each in sorted(to_owners) if each.lower() in people]
    by_id = attempts.loads(db, known)
    told: dict[str, dict[ErrorCondition, EarlierRefusal]] = {}
    if not params.get("recheck"):
        pairs = [pair_key(row) for row in rows]
        told = attempts.troubles(db, [*userids, *pairs, *subjects], now)
    return Facts(
        now,
        people,
        {each.userid.lower(): by_id[each.id] for each in known},
        to_owner_checks.capacities(params, told, [each.userid for each in known]),
        followers(db, subjects),
        attempts.running(db, subjects, plan_id=plan_id),
        attempts.recent(db, subjects, now),
        told,
        refused=_refusals(db, rows),
        returned=_returned(db, rows),
        ask=bool(params.get("recheck")),
    )


def _returned(db: Database, rows: Sequence[Row]) -> frozenset[str]:
    """Members who are there again while customers of theirs wait in the list of leavers."""
    asked = {row.userid for row in rows if row.extra["kind"] == rules.RESIGNED}
    return frozenset(
        userid.lower()
        for userid in asked
        if db.execute(
            "SELECT 1 FROM follow AS f JOIN staff AS s ON s.id = f.staff_id WHERE s.userid = ?"
            " AND s.status <> 'left' AND f.status = 'unassigned' LIMIT 1",
            (userid,),
        ).fetchone()
    )


def _refusals(db: Database, rows: Sequence[Row]) -> dict[tuple[str, str], float]:
    """When a leaver's customers refused, where no list of unassigned customers was read since.

    Whether such a customer stays in the pool is not promised (doc 94081): only the list knows.
    """
    of_leaver: dict[str, list[str]] = {}
    for row in rows:
        if row.extra["kind"] == rules.RESIGNED:
            of_leaver.setdefault(row.userid, []).append(row.external_userid)
    found = {
        (userid.lower(), subject): at
        for userid, subjects in of_leaver.items()
        for subject, at in attempts.last_refusals(db, userid, subjects).items()
    }
    listed = listed_at(db) if found else 0
    return {key: at for key, at in found.items() if at >= listed}


def listed_at(db: Database) -> int:
    """When the list of unassigned customers was last read whole, Unix seconds; 0 for never."""
    from storeops.reading import freshness

    (listed,) = freshness.scopes(db, 0, names=("unassigned",))
    return listed.completed_at or 0


def check(facts: Facts, rows: Sequence[Row]) -> list[Verdict]:
    """One verdict per customer row, in order; room with a taker is used up row by row."""
    return [_row(facts, row) for row in rows]


def _row(facts: Facts, row: Row) -> Verdict:
    kind, to_owner = str(row.extra["kind"]), str(row.extra.get("to") or "")
    if not to_owner:
        verdict = whoever_takes_over(facts, row)
        return verdict if not verdict.ready else nobody_takes_over(row)
    if to_owner.lower() == row.userid.lower():
        return blocked(
            "same_person",
            _("{member} has this customer already.").format(member=to_owner),
            errcode=40130,
            way_out=_("Choose somebody else."),
        )
    for verdict in (
        from_owner_verdict(facts, row.userid, kind),
        to_owner_verdict(facts, to_owner),
        pair_verdict(facts, row),
    ):
        if not verdict.ready:
            return verdict
    verdict = _customer(facts, row, kind)
    if not verdict.ready:
        return verdict
    other = facts.moving.get(row.external_userid)
    if other is not None:
        return blocked(
            "in_handover",
            _("Row {row} of this plan hands the same customer over.").format(row=other),
            errcode=40100,
            retry_at=facts.now + rules.AUTOMATIC_S,
            way_out=_("Plan this relation again once that row is settled."),
        )
    verdict = _room(facts, row, to_owner)
    if verdict.ready:
        facts.moving[row.external_userid] = row.row
    return verdict


def whoever_takes_over(facts: Facts, row: Row) -> Verdict:
    """What can be said against handing this customer over to anybody."""
    kind = str(row.extra["kind"])
    verdict = from_owner_verdict(facts, row.userid, kind)
    return verdict if not verdict.ready else _customer(facts, row, kind)


def nobody_takes_over(row: Row) -> Verdict:
    """A row that the rule could give to nobody; the planner says why in `extra`."""
    why = str(row.extra.get("nobody") or "")
    return blocked(
        "no_taker",
        why or _("The rule finds nobody to take this customer."),
        retry_at=row.extra.get("nobody_until"),
        way_out=_("Name more takers with --to, or raise the caps."),
    )


def from_owner_verdict(facts: Facts, userid: str, kind: str) -> Verdict:
    """Whether this member's customers can be handed over, and by this way."""
    key = (userid.lower(), kind)
    verdict = facts.from_owners.get(key)
    if verdict is None:
        verdict = facts.from_owners[key] = _from_owner_verdict(facts, userid, kind)
    return verdict


def _from_owner_verdict(facts: Facts, userid: str, kind: str) -> Verdict:
    member = facts.people.get(userid.lower())
    if member is None:
        return blocked(
            "giver_unknown",
            _("The mirror knows no member {member}.").format(member=userid),
            errcode=60111,
            way_out=_("Run `storeops sync run`."),
        )
    if kind == rules.RESIGNED and userid.lower() in facts.returned:
        if facts.ask:
            return READY
        return blocked(
            "returned",
            _("{member} is there again, and WeCom takes only leavers' customers.").format(
                member=member.label
            ),
            errcode=40097,
            way_out=_(
                "Assign them in the admin console, or let WeCom be asked: plan again with"
                " --recheck."
            ),
        )
    if kind == rules.RESIGNED and not member.left:
        return blocked(
            "wrong_way",
            _("{member} has not left: this is a handover on the job.").format(member=member.label),
            errcode=40097,
            way_out=_("Plan it again; the way is found by itself."),
        )
    if kind == rules.ON_JOB and member.left:
        return blocked(
            "wrong_way",
            _("{member} has left: this is a handover after leaving.").format(member=member.label),
            errcode=60111,
            way_out=_("Plan it again; the way is found by itself."),
        )
    if member.left and member.left_at and facts.now - member.left_at > rules.YEAR_S:
        return blocked(
            "leaver_too_long",
            _("{member} left on {day}, more than a year ago.").format(
                member=member.label, day=day(member.left_at)
            ),
            errcode=40205,
            way_out=_("These customers can only be added anew, by scanning a taker's code."),
        )
    if kind == rules.ON_JOB and member.status != "active":
        return blocked(
            "giver_out_of_scope",
            _("{member} is not in the app's visible scope.").format(member=member.label),
            errcode=60011,
            way_out=_("Widen the app's visible scope in the admin console, then sync."),
        )
    return READY


def pair_key(row: Row) -> str:
    """What troubles of a pair are kept under: WeCom does not say which of the two it means."""
    return f"{row.userid}>{row.extra.get('to') or ''}"


def pair_verdict(facts: Facts, row: Row) -> Verdict:
    """Whether WeCom has refused these two together."""
    told = facts.troubles.get(pair_key(row).lower(), {}).get(ErrorCondition.IDLE)
    told = told or facts.troubles.get(row.userid.lower(), {}).get(ErrorCondition.IDLE)
    if told is None:
        return READY
    return blocked(
        "idle",
        _("{giver} or {taker} had not logged in for a year when WeCom was asked on {day}.").format(
            giver=row.userid, taker=row.extra["to"], day=day(told.at)
        ),
        errcode=40205,
        way_out=_("Let them log in, then plan again with --recheck; or choose another taker."),
    )


def to_owner_verdict(facts: Facts, userid: str) -> Verdict:
    """Whether this member may take over anybody."""
    verdict = facts.to_owners.get(userid.lower())
    if verdict is None:
        member = facts.people.get(userid.lower())
        told = facts.troubles.get(userid.lower(), {})
        verdict = facts.to_owners[userid.lower()] = to_owner_checks.verdict(member, userid, told)
    return verdict


def _customer(facts: Facts, row: Row, kind: str) -> Verdict:
    external = row.external_userid
    known = facts.followers.get(external)
    if known is None:
        return blocked(
            "customer_unknown",
            _("The mirror knows no such customer."),
            errcode=40096,
            way_out=_("Check the id, or sync first."),
        )
    relation = known.by_userid.get(row.userid.lower())
    if relation is None:
        return blocked(
            "not_owner",
            _("{member} does not follow this customer.").format(member=row.userid),
            errcode=40131,
            way_out=_("Choose the member who does: storeops customer show {customer}").format(
                customer=external
            ),
        )
    fine = ("unassigned",) if kind == rules.RESIGNED else ("active",)
    if relation.status not in fine:
        return _not_there(relation.status)
    if relation.deleted_by_customer_at is not None:
        return blocked(
            "deleted_by_customer",
            _("The customer deleted {member} on {day}: WeCom would answer “refused”.").format(
                member=row.userid, day=day(relation.deleted_by_customer_at)
            ),
            way_out=_("Invite the customer to add somebody else."),
        )
    running = facts.running.get(external)
    if running is not None:
        return _running(running)
    told = facts.troubles.get(external.lower(), {})
    under_way = told.get(ErrorCondition.HANDOVER_RUNNING)
    if under_way is not None and facts.now < under_way.at + rules.AUTOMATIC_S:
        until = under_way.at + rules.AUTOMATIC_S
        return _running(RunningHandover(external, "", until, 0), under_way.errcode)
    if kind == rules.ON_JOB:
        return _repeats(facts, external, told)
    refused = facts.refused.get((row.userid.lower(), external))
    if refused is not None:
        return blocked(
            "refused_before",
            _("The customer refused on {day} and may have left the pool of leavers.").format(
                day=day(refused)
            ),
            errcode=84061,
            way_out=_("Read the list first: storeops sync run --scope unassigned"),
        )
    return READY


def _not_there(status: str) -> Verdict:
    if status == "out_of_scope":
        return blocked(
            "out_of_scope",
            _("The owner is outside the app's view or lost customer contact."),
            errcode=84061,
            way_out=_("Put it right in the admin console, then sync."),
        )
    return blocked(
        "relation_gone",
        _("The relation is gone ({status}).").format(status=status),
        errcode=84061,
        way_out=_("Leave this customer out, or sync again."),
    )


def _running(running: RunningHandover, errcode: int = 40100) -> Verdict:
    if running.due_at is None:
        return blocked(
            "in_handover",
            _("Another plan is about to hand this customer over."),
            errcode=errcode,
            way_out=_("Wait for that plan, or cancel it."),
        )
    return blocked(
        "in_handover",
        _("A handover of this customer is under way, until {moment} at the latest.").format(
            moment=minute(running.due_at)
        ),
        errcode=errcode,
        retry_at=running.due_at,
        way_out=_("Plan again once it is settled: storeops handover watch"),
    )


def _repeats(facts: Facts, external: str, told: Mapping[ErrorCondition, EarlierRefusal]) -> Verdict:
    recent = facts.recent.get(external, [])
    frees: float | None = None
    if len(recent) >= rules.REPEAT_LIMIT:
        frees = rules.frees_at(recent[-rules.REPEAT_LIMIT])
    elif ErrorCondition.NINETY_DAYS in told:
        frees = rules.frees_at(told[ErrorCondition.NINETY_DAYS].at)
        if frees <= facts.now:
            return READY
    if frees is None:
        return READY
    return blocked(
        "ninety_days",
        _("Handed over twice within 90 days; free again on {day}.").format(day=day(frees)),
        errcode=40128,
        retry_at=frees,
        way_out=_("Leave the customer with the owner until then."),
    )


def _room(facts: Facts, row: Row, to_owner: str) -> Verdict:
    key = to_owner.lower()
    known = facts.followers[row.external_userid].by_userid.get(key)
    if known is not None and known.status == "active":
        return READY  # already a friend: needs no room
    capacity = facts.capacity.get(key, rules.CAPACITY)
    held = facts.loads.get(key, 0) + facts.taken.get(key, 0)
    if held >= capacity:
        return blocked(
            "taker_full",
            _("{member} would have more than {capacity} customers.").format(
                member=to_owner, capacity=capacity
            ),
            errcode=40099,
            way_out=_("Plan again with --spread, or name more takers with --to."),
        )
    facts.taken[key] = facts.taken.get(key, 0) + 1
    return READY
