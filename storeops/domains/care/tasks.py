"""Tasks: made from rules every night, given to the owner of the day, ended with a word."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from storeops import times
from storeops.changes import submissions
from storeops.changes.submissions import NotTheirsError, Submission, SubmissionKind
from storeops.database.database import Database
from storeops.domain import CardSection, TodayLine
from storeops.domains.care import birthdays, matters
from storeops.domains.care import rules as rule_book
from storeops.domains.care.rules import CareRule, sentence
from storeops.domains.handover import dated
from storeops.domains.orders import sold
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import N_, _, ngettext
from storeops.mirror import members, meta
from storeops.reading import identities
from storeops.reading.customers import open_query
from storeops.reading.ownership import CustomerOwners, owners_of
from storeops.spelling import did_you_mean
from storeops.workdays import is_workday

DAY_S = 86_400
CAP = 20  # tasks of a guide on one day
LOOK_BACK_DAYS = 7  # what happened longer ago makes no task when a rule is new
_LEFT_BEHIND = ("unassigned", "left", "out_of_scope")  # how a relation ends that is handed on
_URGENT = 1_000  # priority of what other domains ask for
ENDED = ("done", "skipped", "lapsed", "gone")
STATUSES = {
    "open": N_("open"), "done": N_("done"), "skipped": N_("skipped"), "lapsed": N_("lapsed"),
    "gone": N_("customer gone"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class CarePlan:
    """What a night did.

    Attributes:
        day: 2026-05-01.
        made: new tasks.
        moved: open tasks that went to another guide.
        gone: tasks of customers whom nobody has any more.
        lapsed: tasks that were not done in time.
        given: tasks given to guides for this day.
        waiting: due tasks above the cap, for another day.
    """

    day: str
    made: int
    moved: int
    gone: int
    lapsed: int
    given: int
    waiting: int


@dataclass(frozen=True, slots=True)
class _Trigger:
    """Something that asks for care."""

    customer: int
    subject: str
    due_at: int
    facts: dict[str, Any]


def plan_care(db: Database, now: float, *, cap: int = CAP) -> CarePlan:
    """Make the tasks of a day, and give each guide at most `cap` of them.

    Run again on the same day it gives nobody more than that, and makes no task twice.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        cap: tasks of a guide a day.
    """
    meta.must_be_kept_here(db.connection)
    today_ = times.day(now)
    moved, gone, left_behind = _follow_owners(db, now)
    lapsed = _lapse(db, now)
    made = sum(_make(db, rule, now) for rule in rule_book.in_force(db))
    lapsed += _give_way(db, now)
    given, waiting = _give(db, now, cap, left_behind)
    return CarePlan(today_, made, moved, gone, lapsed, given, waiting)


def _spans(db: Database, customers: Collection[int]) -> Iterator[tuple[int, CustomerOwners]]:
    wanted = sorted(customers)
    for start in range(0, len(wanted), 2_000):
        yield from owners_of(db.connection, wanted[start : start + 2_000]).items()


def _owners(db: Database, customers: Collection[int]) -> dict[int, str]:
    """customer.id → the owner of today: who added the customer first and still has it."""
    found: dict[int, str] = {}
    for key, owners in _spans(db, customers):
        span = next((each for each in owners.spans if each.end is None), None)
        if span is not None:
            found[key] = span.userid
    return found


def _follow_owners(db: Database, now: float) -> tuple[int, int, set[int]]:
    """(tasks moved, ended as gone, tasks of those whom a leaver left behind): the last wait for
    the next owner, who takes them over."""
    rows = db.execute(
        "SELECT id, customer_id, userid FROM care_task WHERE status = 'open'"
    ).fetchall()
    owners = _owners(db, {customer for _id, customer, _userid in rows})
    moved = [
        (owners[customer], key)
        for key, customer, userid in rows
        if customer in owners and owners[customer].casefold() != userid.casefold()
    ]
    nobodys = {customer for _id, customer, _userid in rows} - owners.keys()
    last = {
        customer: max(known.spans, key=lambda each: each.end or 0, default=None)
        for customer, known in _spans(db, nobodys)
    }
    left = {key for key, span in last.items() if span is not None and span.ended in _LEFT_BEHIND}
    gone = [(int(now), key) for key, customer, _userid in rows if customer in nobodys - left]
    with db.atomic() as connection:
        connection.executemany("UPDATE care_task SET userid = ?, day = '' WHERE id = ?", moved)
        connection.executemany(
            "UPDATE care_task SET status = 'gone', ended_at = ? WHERE id = ?", gone
        )
    return len(moved), len(gone), {key for key, customer, _userid in rows if customer in left}


def _lapse(db: Database, now: float) -> int:
    late = {each.name.casefold(): each.expires for each in rule_book.in_force(db)}
    rows = db.execute("SELECT id, reason, due_at FROM care_task WHERE status = 'open'").fetchall()
    over = [(int(now), key) for key, reason, due_at in rows
            if due_at + late.get(reason.casefold(), 14) * DAY_S < now]  # fmt: skip
    with db.atomic() as connection:
        connection.executemany(
            "UPDATE care_task SET status = 'lapsed', ended_at = ? WHERE id = ?", over
        )
    return len(over)


def _give_way(db: Database, now: float) -> int:
    """End a question about a purchase that was not asked until a later one about it is due."""
    end = int(times.midnight(now).timestamp()) + DAY_S
    with db.atomic() as connection:
        return connection.execute(
            "UPDATE care_task SET status = 'lapsed', ended_at = ? WHERE id IN"
            " (SELECT a.id FROM care_task a JOIN care_task b ON b.customer_id = a.customer_id"
            " AND b.subject = a.subject AND b.kind = a.kind"
            " AND json_extract(b.facts, '$.article') = json_extract(a.facts, '$.article')"
            " WHERE a.status = 'open' AND b.status = 'open' AND a.kind = 'after-purchase'"
            " AND b.due_at > a.due_at AND b.due_at < ?)",
            (int(now), end),
        ).rowcount


def _make(db: Database, rule: CareRule, now: float) -> int:
    triggers = list(_triggers(db, rule, now))
    if triggers and rule.kind != "complaint":
        quiet = matters.quiet(db, now)
        triggers = [each for each in triggers if each.customer not in quiet]
    if rule.where and triggers:
        with_filter = set(open_query(db, rule.where, now=now).ids())
        triggers = [each for each in triggers if each.customer in with_filter]
    if not triggers:
        return 0
    customers = {each.customer for each in triggers}
    owners = _owners(db, customers)
    people = identities.people(db.connection, customers)
    rows = [
        (each.customer, people[each.customer][0], rule.name, rule.kind, each.subject,
         owners[each.customer], _workday(each.due_at) if rule.workdays else each.due_at,
         rule.priority, json.dumps({**each.facts, "text": rule.text}, ensure_ascii=False), int(now))
        for each in sorted(triggers, key=lambda each: (each.due_at, each.subject))
        if each.customer in owners and each.customer in people
    ]  # fmt: skip
    with db.atomic() as connection:
        before = connection.total_changes
        connection.executemany(
            "INSERT OR IGNORE INTO care_task (customer_id, external_userid, reason, kind, subject,"
            " userid, due_at, priority, facts, created_at) SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?"
            " WHERE NOT EXISTS (SELECT 1 FROM care_task WHERE customer_id = ? AND reason <> ?"
            " AND kind = ? AND subject = ? AND facts = ? AND (status = 'open' OR due_at = ?))",
            [(*row, row[0], *row[2:5], row[8], row[6]) for row in rows],
        )  # what another rule asks in the same words is not asked twice
        return connection.total_changes - before


def _triggers(db: Database, rule: CareRule, now: float) -> Iterator[_Trigger]:
    """What asks for care by a rule at this moment."""
    length = rule.days * DAY_S
    if rule.kind == "after-purchase":
        since = int(now) - length - LOOK_BACK_DAYS * DAY_S
        for bought in sold.bought(db, since, int(now) - length + DAY_S, rule.articles):
            facts = {"article": bought.name, "day": times.day(bought.at), "days": rule.days}
            yield _Trigger(bought.customer, bought.order_no, bought.at + length, facts)
    elif rule.kind == "warranty":
        for each in sold.due_articles(db, "warranty_until", int(now), int(now) + length,
                                      rule.articles):  # fmt: skip
            facts = {"article": each.name, "day": times.day(each.at), "days": rule.days}
            yield _Trigger(each.customer, f"{each.code} {times.day(each.at)}", each.at - length,
                           facts)  # fmt: skip
    elif rule.kind == "replenishment":
        for each in sold.due_articles(db, "next_at", int(now) - LOOK_BACK_DAYS * DAY_S,
                                      int(now) + length, rule.articles):  # fmt: skip
            facts = {"article": each.name, "day": times.day(each.at), "count": each.days}
            yield _Trigger(each.customer, f"{each.code} {times.day(each.last_at)}",
                           each.at - length, facts)  # fmt: skip
    elif rule.kind == "silent":
        for customer, orders, last_at in sold.silent(db, int(now) - length, rule.orders):
            facts = {"days": (int(now) - last_at) // DAY_S, "count": orders,
                     "day": times.day(last_at)}  # fmt: skip
            yield _Trigger(customer, f"since {times.day(last_at)}", last_at + length, facts)
    elif rule.kind == "birthday":
        start = times.midnight(now)
        last = start.date() + timedelta(rule.days)
        for customer, day in birthdays.between(db, start.date(), last):
            at = int((start + (day - start.date())).timestamp())
            facts = {"day": day.isoformat(), "days": rule.days}
            yield _Trigger(customer, f"birthday {day}", at - length, facts)
    elif rule.kind == "complaint":
        for open_ in matters.list_matters(db, now, kind=matters.COMPLAINT):
            age = int(now) - open_["opened_at"]
            rounds = age // length if length else 0
            facts = {"day": times.day(open_["opened_at"]), "about": open_["text"],
                     "days": age // DAY_S}  # fmt: skip
            yield _Trigger(open_["customer_id"], f"complaint {open_['id']} {rounds}",
                           open_["opened_at"] + rounds * length, facts)  # fmt: skip
    else:
        since = int(now) - length - LOOK_BACK_DAYS * DAY_S
        moves = dated.since(db.connection, since, int(now) - length + DAY_S)
        ids = identities.ids_of(db.connection, {external for external, _move in moves})
        names = members.by_userids(db, {move.handover_userid for _external, move in moves})
        likes = sold.habits(db, ids.values())
        for external, move in moves:
            if external in ids:
                from_owner = names.get(move.handover_userid.lower())
                facts = {
                    "giver": from_owner.name
                    if from_owner and from_owner.name
                    else move.handover_userid,
                    "day": times.day(move.at),
                    "days": rule.days,
                    **likes.get(ids[external], {}),
                }
                yield _Trigger(ids[external], f"handover {move.at}", move.at + length, facts)


@dataclass(frozen=True, slots=True)
class AskedTask:
    """A task that another domain asks for.

    Attributes:
        customer: customer.id.
        kind: one of `rules.ASKED`, which says the sentence.
        subject: what it is about; a customer is asked once for a reason and subject.
        facts: what the sentence is made of, JSON types.
    """

    customer: int
    kind: str
    subject: str
    facts: dict[str, Any]


def ask(db: Database, reason: str, wanted: Sequence[AskedTask], now: float) -> int:
    """Give the owners of customers tasks for today, before all others and above every cap.

    Args:
        db: data.db.
        reason: what stands where else the rule's name does; one open task for a customer and it.
        wanted: of a customer the first one counts.
        now: WeCom's time, Unix seconds.

    Returns:
        How many are new. Customers whom nobody has are left out.
    """
    meta.must_be_kept_here(db.connection)
    first = {each.customer: each for each in reversed(wanted)}
    owners = _owners(db, first)
    people = identities.people(db.connection, first)
    day = times.day(now)
    with db.atomic() as connection:
        before = connection.total_changes
        connection.executemany(
            "INSERT OR IGNORE INTO care_task (customer_id, external_userid, reason, kind, subject,"
            " userid, due_at, day, priority, facts, created_at)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            [
                (key, people[key][0], reason, each.kind, each.subject, owners[key], int(now), day,
                 _URGENT, json.dumps(each.facts, ensure_ascii=False), int(now))
                for key, each in sorted(first.items()) if key in owners and key in people
            ],
        )  # fmt: skip
        return connection.total_changes - before


def asked(db: Database, reason: str) -> Counter[str]:
    """Status → tasks of a reason."""
    rows = db.execute(
        "SELECT status, count(*) FROM care_task WHERE reason = ? GROUP BY status", (reason,)
    )
    return Counter(dict(rows.fetchall()))


def withdraw(db: Database, reason: str, who: str, now: float, note: str) -> int:
    """End the open tasks of a reason as skipped, since it is none any more; how many they were.

    Args:
        db: data.db.
        reason: as they were asked for (`ask`).
        who: who says so.
        now: Unix seconds.
        note: why.
    """
    meta.must_be_kept_here(db.connection)
    with db.atomic() as connection:
        return connection.execute(
            "UPDATE care_task SET status = 'skipped', ended_at = ?, ended_by = ?, note = ?"
            " WHERE reason = ? AND status = 'open'",
            (int(now), who, note.strip()[:1_000], reason),
        ).rowcount


def _workday(due_at: int) -> int:
    """The same moment, on the next day that is a working day in China."""
    moment = times.local(due_at)
    for _day in range(30):
        if is_workday(moment.date())[0]:
            break
        moment += timedelta(days=1)
    return int(moment.timestamp())


def _give(db: Database, now: float, cap: int, held: Collection[int]) -> tuple[int, int]:
    """Give guides what is due, save what is `held`, at most `cap` a day; what was given before and
    is open counts."""
    today_ = times.day(now)
    end = int(times.midnight(now).timestamp()) + DAY_S
    used: Counter[str] = Counter()
    for userid, tasks in db.execute(
        "SELECT userid, count(*) FROM care_task WHERE day = ? AND status <> 'open' GROUP BY userid",
        (today_,),
    ):
        used[userid.casefold()] += tasks
    given: list[tuple[str, int]] = []
    back: list[tuple[int]] = []
    waiting = 0
    for key, userid, day in db.execute(
        "SELECT id, userid, day FROM care_task WHERE status = 'open' AND due_at < ?"
        " ORDER BY day = '', priority DESC, due_at, id",
        (end,),
    ).fetchall():
        who = userid.casefold()
        if key in held:
            if day == today_:
                back.append((key,))
            continue
        if used[who] >= cap:
            waiting += 1
            if day == today_:
                back.append((key,))
            continue
        used[who] += 1
        if day != today_:
            given.append((today_, key))
    with db.atomic() as connection:
        connection.executemany("UPDATE care_task SET day = ? WHERE id = ?", given)
        connection.executemany("UPDATE care_task SET day = '' WHERE id = ?", back)
    return len(given), waiting


# -- looking and ending ---------------------------------------------------------------------------


def must_know_reason(db: Database, reason: str) -> None:
    """Refuse a reason that no rule in force and no task has, case aside.

    Raises:
        NotFoundError: with the nearest.
    """
    known = {each.name for each in rule_book.in_force(db)}
    known.update(row[0] for row in db.execute("SELECT DISTINCT reason FROM care_task"))
    if reason.casefold() not in {each.casefold() for each in known}:
        names = _(", ").join(sorted(known)[:10])
        raise NotFoundError(
            _("There is no care rule {name}.").format(name=reason[:40]),
            hint=did_you_mean(reason, known, _("Known: {names}.").format(names=names)),
        )


def list_tasks(
    db: Database,
    now: float,
    *,
    userid: str = "",
    status: str = "open",
    all_days: bool = False,
    reason: str = "",
    customer: int | None = None,
    ended_since: int | None = None,
    limit: int | None = None,
) -> list[dict[str, Any]]:
    """Tasks, those of today by guide first.

    Args:
        db: data.db.
        now: WeCom's time.
        userid: of this guide; "" of all.
        status: open, done, skipped, lapsed or gone.
        all_days: of open ones also those that wait for another day.
        reason: name of the rule, or what another domain asked for; "" for all.
        customer: customer.id; None for all.
        ended_since: only tasks that ended since then, Unix seconds.
        limit: at most so many rows; None for all.
    """
    where, params = ["status = ?"], [status]
    if status == "open" and not all_days:
        where.append("day = ?")
        params.append(times.day(now))
    if userid:
        where.append("userid = ? COLLATE NOCASE")
        params.append(userid)
    if reason:
        where.append("reason = ? COLLATE NOCASE")
        params.append(reason)
    args: list[Any] = [*params]
    if customer is not None:
        where.append("customer_id = ?")
        args.append(customer)
    if ended_since is not None:
        where.append("ended_at >= ?")
        args.append(ended_since)
    rows = db.rows(
        "SELECT id, external_userid, customer_id, reason, kind, subject, userid, due_at, day,"
        " priority, facts, status, snoozes, created_at, ended_at, ended_by, note FROM care_task"
        f" WHERE {' AND '.join(where)} ORDER BY userid, priority DESC, due_at, id LIMIT ?",
        [*args, -1 if limit is None else limit],
    )
    return _describe(db, rows)


def _describe(db: Database, rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    names = identities.people(db.connection, {row["customer_id"] for row in rows})
    guides = members.by_userids(db, {row["userid"] for row in rows})
    for row in rows:
        guide = guides.get(row["userid"].lower())
        row["guide"] = (guide.name if guide is not None else "") or row["userid"]
        facts = json.loads(row["facts"])
        row["facts"] = {key: value for key, value in facts.items() if key != "text"}
        row["text"] = sentence(row["kind"], facts.get("text", ""), facts)
        row["customer"] = names.get(row.pop("customer_id"), ("", ""))[1]
    return list(rows)


def show_task(db: Database, task: int) -> dict[str, Any]:
    """One task.

    Raises:
        NotFoundError: there is none.
    """
    rows = db.rows("SELECT * FROM care_task WHERE id = ?", (task,))
    if not rows:
        raise NotFoundError(
            _("There is no task {number}.").format(number=task),
            hint=_("`storeops care list` names them."),
        )
    return _describe(db, rows)[0]


def end_task(
    db: Database, task: int, status: str, who: str, now: float, note: str = ""
) -> dict[str, Any]:
    """Say that a task is done or is skipped.

    Args:
        db: data.db.
        task: its number.
        status: done | skipped.
        who: who says so.
        now: Unix seconds.
        note: the result, or why it is skipped (needed then).

    Raises:
        NotFoundError: there is none.
        ConflictError: it has ended already.
        UsageError: skipped without a reason.
    """
    if status == "skipped" and not note.strip():
        raise UsageError(_("Say why it is skipped: --reason TEXT"))
    show_task(db, task)
    note = note.strip()[:1_000]
    with db.atomic() as connection, _told(connection, task, who, now, status=status, note=note):
        changed = connection.execute(
            "UPDATE care_task SET status = ?, ended_at = ?, ended_by = ?, note = ?"
            " WHERE id = ? AND status = 'open'",
            (status, int(now), who, note, task),
        ).rowcount
        if not changed:
            raise ConflictError(_("The task {number} has ended already.").format(number=task))
    return show_task(db, task)


def snooze(db: Database, task: int, due_at: int, who: str, now: float) -> dict[str, Any]:
    """Put a task off to a moment.

    Args:
        db: data.db.
        task: its number.
        due_at: the moment, Unix seconds.
        who: who says so.
        now: Unix seconds.

    Raises:
        NotFoundError: there is none.
        ConflictError: it has ended already.
    """
    show_task(db, task)
    with db.atomic() as connection, _told(connection, task, who, now, due_at=due_at):
        changed = connection.execute(
            "UPDATE care_task SET due_at = ?, day = '', snoozes = snoozes + 1"
            " WHERE id = ? AND status = 'open'",
            (due_at, task),
        ).rowcount
        if not changed:
            raise ConflictError(_("The task {number} has ended already.").format(number=task))
    return show_task(db, task)


@contextmanager
def _told(
    connection: sqlite3.Connection, task: int, who: str, now: float, **how: Any
) -> Iterator[None]:
    """At a back office the block writes ahead of head office, which is told what was written."""
    if not meta.is_fed(connection):
        yield
        return
    with meta.letting(connection):
        yield
    submissions.make(connection, "care_task", {"task": task, **how}, who, now)


def _submitted_of(db: Database, submission: Submission) -> int:
    """customer.id of whom a submission is about: a task of the shop's own guide."""
    task = int(submission.body["task"])
    row = db.execute("SELECT customer_id, userid FROM care_task WHERE id = ?", (task,)).fetchone()
    if row is None or row[1].lower() not in submission.members:
        raise NotTheirsError(f"task {task}")
    return int(row[0])


def _write_submission(db: Database, submission: Submission) -> None:
    """How a task ended at a shop, or until when it was put off."""
    task = int(submission.body["task"])
    if "due_at" in submission.body:
        snooze(db, task, int(submission.body["due_at"]), submission.who, submission.at)
        return
    status, note = submission.body["status"], submission.body["note"]
    if status not in ("done", "skipped") or not isinstance(note, str):
        raise ValueError("no ending of a task")
    end_task(db, task, status, submission.who, submission.at, note)


SUBMISSION = SubmissionKind("care", _submitted_of, _write_submission)


def report(db: Database, since: int, until: int) -> list[dict[str, Any]]:
    """How tasks that ended in [since, until) ended, by guide; open ones beside."""
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for userid, status, tasks in db.execute(
        "SELECT userid, status, count(*) FROM care_task WHERE status = 'open'"
        " OR (ended_at >= ? AND ended_at < ?) GROUP BY 1, 2",
        (since, until),
    ):
        found[userid][status] += tasks
    names = members.by_userids(db, found)
    rows = []
    for userid, counts in found.items():
        ended = counts["done"] + counts["skipped"] + counts["lapsed"]
        member = names.get(userid.lower())
        rows.append(
            {"userid": userid, "name": member.name if member else "",
             **{each: counts[each] for each in ("open", *ENDED)},
             "done_share": round(counts["done"] / ended, 3) if ended else None}
        )  # fmt: skip
    return sorted(rows, key=lambda row: (-row["done"], row["userid"]))


def card(db: Database, customer: int, now: float) -> CardSection | None:
    """What is to be done for a customer."""
    rows = list_tasks(db, now, all_days=True, customer=customer)
    born = birthdays.noted(db, identities.people(db.connection, [customer])[customer][0])
    if not (rows or born):
        return None
    lines = [(times.day(row["due_at"]), row["text"]) for row in rows]
    if born:
        lines.append((_("Birthday"), born))
    data = [
        {
            "id": row["id"],
            "reason": row["reason"],
            "text": row["text"],
            "due_at": times.iso(row["due_at"]),
            "userid": row["userid"],
        }
        for row in rows
    ]
    return CardSection(_("Care"), lines, data)


def today(db: Database, now: float) -> list[TodayLine]:
    """How many tasks guides have today."""
    tasks, guides = db.execute(
        "SELECT count(*), count(DISTINCT userid) FROM care_task WHERE status = 'open' AND day = ?",
        (times.day(now),),
    ).fetchone()
    if not tasks:
        return []
    text = ngettext(
        "{count} care task for {guides} guides today.",
        "{count} care tasks for {guides} guides today.",
        tasks,
    ).format(count=tasks, guides=guides)
    return [TodayLine(text, "storeops care list", screen="care")]
