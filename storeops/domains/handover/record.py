"""Keeping answers: attempts with their snapshot, troubles that were named, the mirror's facts."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes.action import (
    DONE,
    FAILED,
    NO_RECORD,
    REFUSED,
    TAKER_FULL,
    VANISHED,
    WAITING,
    Row,
    RowResult,
)
from storeops.database.database import Database
from storeops.domains.handover import rules
from storeops.domains.handover.checks import pair_key
from storeops.domains.handover.relations import followers, snapshots
from storeops.i18n import _
from storeops.mirror import facts, members
from storeops.mirror.chat_owner import chat_transferred
from storeops.notebook import notes
from storeops.wecom.errcodes import ErrorCondition, code_of, condition_of

ASK_S = 1  # after the due moment, when WeCom's own clock has struck
_SETTLED = (DONE, REFUSED, TAKER_FULL, NO_RECORD, VANISHED)


def result_fields(
    row: Row,
    *,
    asked_at: float | None = None,
    due_at: float | None = None,
    settled_at: float | None = None,
) -> dict[str, Any]:
    """The fields that every handover answer carries in `plan results`."""
    fields: dict[str, Any] = {
        "handover_userid": row.userid,
        "takeover_userid": row.extra.get("to"),
        "due_at": due_at,
        "settled_at": settled_at,
    }
    if asked_at is not None:
        fields["asked_at"] = asked_at
    if row.extra.get("what") == rules.GROUP:
        fields["chat_id"] = row.extra["chat_id"]
    return fields


def refused_status(errcode: int | None) -> str:
    """The row status of an errcode given at the request."""
    return TAKER_FULL if condition_of(errcode) is ErrorCondition.TAKER_FULL else FAILED


def ask_at(due_at: float) -> float:
    """When to ask about an attempt first."""
    return due_at + ASK_S


def keep(db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int) -> None:
    """Take answers in; runs inside the transaction that keeps them."""
    name = ref.partition("/")[0]
    plan_id = db.execute("SELECT id FROM plan WHERE name = ?", (name,)).fetchone()[0]
    began = [(row, answer) for row, answer in results if answer.status == WAITING]
    settled = [(row, answer) for row, answer in results if answer.status in _SETTLED]
    _begin(db, plan_id, began)
    for row, answer in settled:
        if (answer.extra or {}).get("asked_at") is not None:
            _record_result(db, plan_id, row, answer, ref, now)
    for row, answer in results:
        if answer.errcode and answer.status in (FAILED, TAKER_FULL):
            _trouble(db, row, answer.errcode, now)


def keep_elsewhere(
    db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
) -> None:
    """Take in answers to what head office carries out: attempts and their ends, nothing else."""
    plan_id = db.execute("SELECT id FROM plan WHERE name = ?", (ref,)).fetchone()[0]
    known = [
        (row, answer)
        for row, answer in results
        if (answer.extra or {}).get("asked_at") is not None and (answer.extra or {}).get("due_at")
    ]
    _begin(db, plan_id, [(row, answer) for row, answer in known if answer.status == WAITING])
    for row, answer in known:
        if answer.status in _SETTLED:
            _end(db, plan_id, row, answer, now)


def _begin(db: Database, plan_id: int, began: Sequence[tuple[Row, RowResult]]) -> None:
    """Keep accepted attempts, with what the relation was like before it moves."""
    for userid in {each for row, _a in began for each in (row.userid, str(row.extra["to"]))}:
        db.execute(
            "DELETE FROM handover_trouble WHERE errcode = ? AND subject = ?",
            (code_of(ErrorCondition.IDLE), userid),
        )
    people = [row for row, _answer in began if row.external_userid]
    before = dict(
        zip(
            (row.row for row in people),
            snapshots(db, [(row.userid, row.external_userid) for row in people]),
            strict=True,
        )
    )
    known = followers(db, [row.external_userid for row in people])
    for row, answer in began:
        _insert(db, plan_id, row, answer, before.get(row.row), _is_friend(row, known))


def _is_friend(row: Row, known: Mapping[str, Any]) -> bool:
    follower = known.get(row.external_userid)
    relation = follower.by_userid.get(str(row.extra["to"]).lower()) if follower else None
    return relation is not None and relation.status == "active"


def _insert(
    db: Database,
    plan_id: int,
    row: Row,
    answer: RowResult,
    before: Mapping[str, Any] | None,
    friend: bool,
) -> None:
    extra = dict(answer.extra or {})
    due = float(extra["due_at"])
    snapshot = None if before is None else dict(before)
    if snapshot is not None and extra.get("personal_tags"):
        snapshot["personal_tags"] = extra["personal_tags"]
    db.execute(
        "INSERT INTO handover (plan_id, row, what, kind, handover_userid, takeover_userid, subject,"
        " asked_at, due_at, ask_at, status, friend, snapshot)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)"
        " ON CONFLICT (plan_id, row) DO UPDATE SET due_at = excluded.due_at,"
        " ask_at = excluded.ask_at",
        (
            plan_id,
            row.row,
            row.extra["what"],
            row.extra["kind"],
            row.userid,
            row.extra["to"],
            row.extra.get("chat_id") or row.external_userid,
            extra["asked_at"],
            due,
            ask_at(due),
            int(friend),
            None if snapshot is None else json.dumps(snapshot, ensure_ascii=False),
        ),
    )


def _record_result(
    db: Database, plan_id: int, row: Row, answer: RowResult, ref: str, now: int
) -> None:
    """Keep the end of an attempt; what is done moves in the mirror."""
    at = _end(db, plan_id, row, answer, now)
    if answer.status == TAKER_FULL:
        _full(db, str(row.extra["to"]), now)
    if answer.status != DONE:
        return
    if row.extra["what"] == rules.GROUP:
        chat_transferred(
            db, str(row.extra["chat_id"]), str(row.extra["to"]), source="job", ref=ref, now=now
        )
        return
    facts.follow_transferred(
        db,
        row.userid,
        str(row.extra["to"]),
        row.external_userid,
        createtime=int(at),
        source="job",
        ref=ref,
        now=now,
    )
    _keep_personal_tags(db, plan_id, row, now)


def _end(db: Database, plan_id: int, row: Row, answer: RowResult, now: int) -> float:
    """Note how an attempt ended, and when, which is returned."""
    if not db.execute(
        "SELECT 1 FROM handover WHERE plan_id = ? AND row = ?", (plan_id, row.row)
    ).fetchone():
        _begin(db, plan_id, [(row, answer)])  # it was over before it was seen to wait
    at = float((answer.extra or {}).get("settled_at") or now)
    db.execute(
        "UPDATE handover SET status = ?, settled_at = ?, ask_at = NULL WHERE plan_id = ?"
        " AND row = ?",
        (answer.status, at, plan_id, row.row),
    )
    return at


def _keep_personal_tags(db: Database, plan_id: int, row: Row, now: int) -> None:
    """Personal tags go with the former owner and no call can set them: they become a note."""
    record = db.execute(
        "SELECT snapshot FROM handover WHERE plan_id = ? AND row = ?", (plan_id, row.row)
    ).fetchone()
    tags = json.loads(record[0]).get("personal_tags") if record and record[0] else None
    if not tags:
        return
    text = _("Personal tags of {member} before the handover: {tags}").format(
        member=row.userid, tags=_(", ").join(tags)
    )
    notes.add_note(db, row.external_userid, text[: notes.MAX_LENGTH], "storeops", now)


def _trouble(db: Database, row: Row, errcode: int, now: int) -> None:
    """Remember what WeCom complained about, so that nobody runs into it again."""
    to_owner = str(row.extra["to"])
    match condition_of(errcode):
        case ErrorCondition.TAKER_FULL:
            _full(db, to_owner, now)
        case ErrorCondition.IDLE:
            _remember(db, pair_key(row), errcode, now)
            _who_is_idle(db, row.userid, to_owner, now)
        case ErrorCondition.TAKER_UNFIT | ErrorCondition.NOT_VERIFIED:
            _remember(db, to_owner, errcode, now)
        case ErrorCondition.HANDOVER_RUNNING | ErrorCondition.NINETY_DAYS:
            _remember(db, row.external_userid, errcode, now)
        case ErrorCondition.CHAT_UNFIT:
            _remember(db, str(row.extra["chat_id"]), errcode, now)
        case ErrorCondition.CHAT_GONE if row.extra["what"] == rules.GROUP:
            _remember(db, str(row.extra["chat_id"]), errcode, now)
        case ErrorCondition.CHAT_OWNER_IDLE:
            _remember(db, row.userid, errcode, now)


def _who_is_idle(db: Database, from_owner: str, to_owner: str, now: int) -> None:
    """WeCom does not say which of the two is meant: who met it with two others is the one."""
    idle = code_of(ErrorCondition.IDLE)
    for person, side, length in (
        (to_owner, "substr(lower(subject), -?) = ?", len(to_owner) + 1),
        (from_owner, "substr(lower(subject), 1, ?) = ?", len(from_owner) + 1),
    ):
        word = f">{to_owner}" if person is to_owner else f"{from_owner}>"
        pairs = db.execute(
            f"SELECT count(*) FROM handover_trouble WHERE errcode = ? AND {side}",
            (idle, length, word.lower()),
        ).fetchone()[0]
        if pairs >= 2:
            _remember(db, person, idle, now)


def _full(db: Database, to_owner: str, now: int) -> None:
    member = members.by_userids(db, [to_owner]).get(to_owner.lower())
    held = 0
    if member is not None:
        held = db.execute(
            "SELECT count(*) FROM follow WHERE staff_id = ? AND status = 'active'", (member.id,)
        ).fetchone()[0]
    _remember(db, to_owner, code_of(ErrorCondition.TAKER_FULL), now, held)


def _remember(db: Database, subject: str, errcode: int, now: int, held: int = 0) -> None:
    db.execute(
        "INSERT INTO handover_trouble (subject, errcode, at, held) VALUES (?, ?, ?, ?)"
        " ON CONFLICT (subject, errcode) DO UPDATE SET at = excluded.at, held = excluded.held",
        (subject, errcode, now, held),
    )
