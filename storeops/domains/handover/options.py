"""What a person at the handover desk chooses from: owners with what they hold, and takers."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.domains.handover import attempts, leavers, rules, to_owner_checks
from storeops.domains.handover.request import HandoverRequest
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.reading import directory


@dataclass(frozen=True, slots=True)
class Owner:
    """Somebody whose customers are to be taken over.

    Attributes:
        userid, name, store: the member and the name of their department.
        left: whether they have left the corp.
        days_left: until a leaver's customers can no longer be assigned; None on the job or unknown.
        customers: customers they still hold; of the marked ones only, when marks were asked for.
        group_chats: group chats they own.
        waiting: rows that wait for WeCom's answer.
    """

    userid: str
    name: str
    store: str
    left: bool
    days_left: int | None
    customers: int
    group_chats: int
    waiting: int


@dataclass(frozen=True, slots=True)
class PossibleOwner:
    """Somebody who could take over.

    Attributes:
        userid, name: the member.
        same_store: whether they work in a shop of a giver.
        load: customers they have, those on their way included.
        capacity: customers they may have.
        why_not: why they cannot take over, "" when they can.
        way_out: what to do about it.
    """

    userid: str
    name: str
    same_store: bool
    load: int
    capacity: int
    why_not: str = ""
    way_out: str = ""

    @property
    def room(self) -> int:
        """Customers they can still take."""
        return max(0, self.capacity - self.load)


def owners(db: Database, now: float, extra: Iterable[str] = ()) -> list[Owner]:
    """Leavers who left something behind, those with least time first, then members named.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        extra: userids of members on the job.
    """
    found = [
        Owner(each.userid, each.name, each.store, True, each.days_left, each.customers,
              each.group_chats, each.waiting)
        for each in leavers.leavers(db, now)
    ]  # fmt: skip
    known = {each.userid.lower() for each in found}
    people = members.by_userids(db, extra)
    found += [_on_job(db, people[key], now) for key in people if key not in known]
    return found


def owners_of_mark(db: Database, mark: str, now: float) -> list[Owner]:
    """Members who hold customers of a mark, those with most first."""
    counts = db.execute(
        "SELECT s.userid, count(*) FROM mark AS m JOIN mark_item AS i ON i.mark_id = m.id"
        " JOIN follow AS f ON f.customer_id = i.customer_id JOIN staff AS s ON s.id = f.staff_id"
        " WHERE m.name = ? AND f.status IN ('active', 'unassigned')"
        " GROUP BY s.id ORDER BY 2 DESC, 1",
        (mark,),
    ).fetchall()
    people = members.by_userids(db, [userid for userid, _count in counts])
    return [
        _on_job(db, people[userid.lower()], now, customers=count)
        for userid, count in counts
        if userid.lower() in people
    ]


def _on_job(db: Database, member: Member, now: float, customers: int | None = None) -> Owner:
    if customers is None:
        customers = db.execute(
            "SELECT count(*) FROM follow WHERE staff_id = ? AND status IN ('active', 'unassigned')",
            (member.id,),
        ).fetchone()[0]
    chats = db.execute(
        "SELECT count(*) FROM group_chat WHERE owner_userid = ? AND status <> 'dissolved'",
        (member.userid,),
    ).fetchone()[0]
    waits = db.execute(
        "SELECT count(*) FROM handover WHERE handover_userid = ? AND status = 'waiting'",
        (member.userid,),
    ).fetchone()[0]
    return Owner(
        member.userid, member.name, directory.department_names(db).get(member.store_id, ""),
        member.left,
        rules.days_left(member.left_at, now) if member.left else None, customers or 0, chats, waits,
    )  # fmt: skip


def possible_owners(
    db: Database, from_owners: Sequence[str], now: float, extra: Iterable[str] = ()
) -> list[PossibleOwner]:
    """Who could take over: members named, then colleagues of the givers' shops, most room first.

    Args:
        db: data.db.
        from_owners: userids; they take nothing themselves.
        now: WeCom's time, Unix seconds.
        extra: userids of further takers.
    """
    leaving = {each.lower() for each in from_owners}
    shops = {each.store_id for each in members.by_userids(db, from_owners).values()} - {0}
    named = list(dict.fromkeys(extra))
    marks = ",".join("?" * len(shops))
    nearby = [
        row[0]
        for row in db.execute(
            f"SELECT userid FROM staff WHERE main_department IN ({marks}) AND status <> 'left'"
            " ORDER BY userid",
            tuple(shops),
        )
    ]
    people = members.by_userids(db, [*named, *nearby])
    told = attempts.troubles(db, [each.userid for each in people.values()], now)
    rooms = to_owner_checks.capacities({}, told, [each.userid for each in people.values()])
    loads = attempts.loads(db, people.values())
    found = []
    for key, member in people.items():
        if key in leaving:
            continue
        verdict = to_owner_checks.verdict(member, member.userid, told.get(key, {}))
        found.append(
            PossibleOwner(
                member.userid, member.name, member.store_id in shops, loads[member.id],
                rooms[key], verdict.reason, verdict.way_out,
            )
        )  # fmt: skip
    first = {each.lower() for each in named}
    return sorted(
        found,
        key=lambda each: (
            each.userid.lower() not in first, bool(each.why_not), -each.room, each.userid
        ),
    )  # fmt: skip


def command_of(request: HandoverRequest) -> str:
    """The command line that makes the plan of a request again."""
    words = ["storeops", "handover", "plan"]
    for flag, values in (("--from", request.from_owners), ("--to", request.to_owners)):
        for value in values:
            words += [flag, value]
    for flag, value in (
        ("--rule", request.rule), ("--marked", request.selection.mark),
        ("--message", request.message),
        ("--cap", "" if request.cap is None else str(request.cap)),
    ):  # fmt: skip
        if value:
            words += [flag, value]
    for member, weight in request.weights.items():
        words += ["--weight", f"{member}={weight:g}"]
    for key, member in request.map:
        words += ["--map", f"{key}={member}"]
    return shlex.join(words)
