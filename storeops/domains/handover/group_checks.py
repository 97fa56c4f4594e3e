"""Checks of group chats before anything is sent (doc 95703, 92127)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.changes.action import READY, Row, Verdict, blocked
from storeops.database.database import Database
from storeops.domains.handover import attempts, checks, rules
from storeops.domains.handover.attempts import EarlierRefusal
from storeops.domains.handover.checks import Facts
from storeops.i18n import _
from storeops.mirror import members
from storeops.times import day
from storeops.wecom.errcodes import ErrorCondition

CHUNK = 500


@dataclass(frozen=True, slots=True)
class Chat:
    """A group chat as the mirror knows it; `owner_status` is the one of groupchat/list."""

    chat_id: str
    name: str
    owner_userid: str
    owner_status: int
    status: str
    wechat_members: int


def chats(db: Database, chat_ids: Sequence[str]) -> dict[str, Chat]:
    """Groups by chat_id; unknown ones are left out."""
    found: dict[str, Chat] = {}
    for start in range(0, len(chat_ids), CHUNK):
        part = list(chat_ids[start : start + CHUNK])
        marks = ",".join("?" * len(part))
        for record in db.execute(
            "SELECT chat_id, name, owner_userid, owner_status, status, (SELECT count(*)"
            " FROM group_member AS m WHERE m.group_id = g.id AND m.type = 2"
            " AND m.member LIKE 'wm%')"
            f" FROM group_chat AS g WHERE chat_id IN ({marks})",
            part,
        ):
            found[record[0]] = Chat(*record)
    return found


def check(
    db: Database,
    rows: Sequence[Row],
    params: Mapping[str, Any],
    now: float,
    *,
    queued: bool = True,
) -> list[Verdict]:
    """One verdict per group row, in order; the day's room with a taker is used up row by row.

    Args:
        db: data.db.
        rows: group rows.
        params: the plan's parameters.
        now: WeCom's time, Unix seconds.
        queued: whether another plan that is still to send a group stands in the way.
    """
    subjects = [str(row.extra["chat_id"]) for row in rows]
    to_owners = sorted({str(row.extra["to"]) for row in rows if row.extra.get("to")})
    people = members.by_userids(db, [*to_owners, *(row.userid for row in rows)])
    pairs = [checks.pair_key(row) for row in rows]
    wanted = [*to_owners, *pairs, *subjects, *{row.userid for row in rows}]
    told = {} if params.get("recheck") else attempts.troubles(db, wanted, now)
    facts = Facts(now, people, {}, {}, {}, {}, {}, told)
    known = chats(db, subjects)
    running = attempts.running(db, subjects)
    if not queued:
        running = {subject: each for subject, each in running.items() if each.due_at is not None}
    recent = attempts.recent(db, subjects, now)
    today = attempts.asked_today(db, rules.GROUP, to_owners, now)
    verdicts: list[Verdict] = []
    for row, subject in zip(rows, subjects, strict=True):
        verdict = _row(facts, row, known.get(subject))
        if verdict.ready:
            verdict = _again(subject, running, recent, str(row.extra["kind"]))
        to_owner = str(row.extra.get("to") or "").lower()
        if verdict.ready and today.get(to_owner, 0) >= rules.GROUPS_A_DAY:
            tomorrow = rules.midnight(now) + rules.DAY_S
            verdict = blocked(
                "groups_a_day",
                _("A new owner can be given 300 groups a day."),
                errcode=45009,
                retry_at=tomorrow,
                way_out=_("Plan the rest on {day}.").format(day=day(tomorrow)),
            )
        if verdict.ready:
            today[to_owner] = today.get(to_owner, 0) + 1
        verdicts.append(verdict)
    return verdicts


def _row(facts: Facts, row: Row, chat: Chat | None) -> Verdict:
    kind, to_owner = str(row.extra["kind"]), str(row.extra.get("to") or "")
    if not to_owner:
        return checks.nobody_takes_over(row)
    if chat is None:
        return blocked(
            "group_unknown",
            _("The mirror knows no such group."),
            errcode=40050,
            way_out=_("Sync the groups first: storeops sync run --scope groups"),
        )
    if chat.status == "dissolved":
        return blocked("group_dissolved", _("The group was dissolved."), errcode=49008)
    # the call names the group alone: of a leaver's, who may be there again, its status decides
    owner = facts.people.get(row.userid.lower())
    waits = kind == rules.RESIGNED and chat.owner_status == rules.OWNER_LEFT
    waits = waits and owner is not None and not owner.left
    verdict = READY if waits else checks.from_owner_verdict(facts, row.userid, kind)
    if not verdict.ready:
        wrong_way = verdict.code == "wrong_way"
        errcode = (90500 if kind == rules.RESIGNED else 90502) if wrong_way else verdict.errcode
        return blocked(verdict.code, verdict.reason, errcode=errcode, way_out=verdict.way_out)
    if chat.owner_status == 2:
        return blocked(
            "group_running",
            _("A handover of this group is running."),
            errcode=90507,
            way_out=_("Wait until it is done: storeops handover watch"),
        )
    if chat.owner_userid.lower() == to_owner.lower():
        return blocked(
            "same_person",
            _("This member owns the group already."),
            errcode=90504,
            way_out=_("Choose somebody else."),
        )
    if chat.owner_userid.lower() != row.userid.lower():
        return blocked(
            "not_owner",
            _("The group belongs to {member} now.").format(member=chat.owner_userid),
            errcode=90504 if kind == rules.ON_JOB else 90508,
            way_out=_("Plan again from that member."),
        )
    if kind == rules.RESIGNED and chat.owner_status == 3:
        return blocked("group_inherited", _("The group was handed over already."), errcode=90508)
    for verdict in (checks.to_owner_verdict(facts, to_owner), checks.pair_verdict(facts, row)):
        if not verdict.ready:
            return verdict
    told = facts.troubles.get(chat.chat_id.lower())
    if told:
        return _refused_before(next(iter(told.values())))
    idle = facts.troubles.get(row.userid.lower(), {}).get(ErrorCondition.CHAT_OWNER_IDLE)
    if idle is not None and kind == rules.ON_JOB:
        return blocked(
            "idle",
            _("{member} had not logged in for a year when WeCom was asked on {day}.").format(
                member=row.userid, day=day(idle.at)
            ),
            errcode=idle.errcode,
            way_out=_("Let them log in, then plan again with --recheck."),
        )
    if chat.wechat_members >= rules.FULL_GROUP:
        return blocked(
            "group_full",
            _("The group has {count} WeChat members: only the client can hand it over.").format(
                count=chat.wechat_members
            ),
            errcode=90503,
            way_out=_("Hand it over in the WeCom client, which asks for confirmation."),
        )
    return READY


def _refused_before(trouble: EarlierRefusal) -> Verdict:
    """What an earlier answer said of the group itself."""
    from storeops.wecom.errcodes import lookup  # only when a group was refused before

    return blocked(
        "group_refused",
        _("WeCom refused this group on {day}: {meaning}").format(
            day=day(trouble.at), meaning=lookup(trouble.errcode).meaning
        ),
        errcode=trouble.errcode,
        way_out=_("Put it right in the WeCom client, then plan again with --recheck."),
    )


def _again(
    subject: str,
    running: Mapping[str, attempts.RunningHandover],
    recent: Mapping[str, Sequence[float]],
    kind: str,
) -> Verdict:
    if subject in running:
        return blocked(
            "group_running",
            _("A handover of this group is running."),
            errcode=90507,
            way_out=_("Wait until it is done: storeops handover watch"),
        )
    moments = recent.get(subject, ())
    if kind == rules.ON_JOB and len(moments) >= rules.REPEAT_LIMIT:
        frees = rules.frees_at(moments[-rules.REPEAT_LIMIT])
        return blocked(
            "ninety_days",
            _("Handed over twice within 90 days; free again on {day}.").format(day=day(frees)),
            errcode=45009,
            retry_at=frees,
            way_out=_("Leave the group with the owner until then."),
        )
    return READY
