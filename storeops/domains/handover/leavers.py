"""Leavers: who left, what they left behind, and how many days remain to hand it over.

Who came back without the customers counts as well: those still wait in WeCom's list.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.domains.handover import rules
from storeops.mirror import members
from storeops.mirror.members import Member

NAMED_ABOVE = 1000  # visible members above which groupchat/list wants its owners named (doc 92120)


@dataclass(frozen=True, slots=True)
class Leaver:
    """One member who left.

    Attributes:
        userid, name: who.
        store: name of the shop they worked in, "" unknown.
        returned: they are there again, and what they left behind still waits.
        left_at: Unix seconds, None when WeCom never said.
        days_left: whole days until their customers can no longer be assigned; None unknown.
        customers: unassigned customers, those on their way included.
        group_chats: group chats they still own.
        tagged, with_phone: those of the customers who carry tags, or a phone number: their worth.
        waiting: handovers under way, customers and groups.
        done: handovers that are done.
    """

    userid: str
    name: str
    store: str
    returned: bool
    left_at: int | None
    days_left: int | None
    customers: int
    group_chats: int
    tagged: int
    with_phone: int
    waiting: int
    done: int

    def in_time(self, now: float) -> bool:
        """Whether WeCom still assigns what they left; on the last day `days_left` is 0 already."""
        return self.left_at is None or now - self.left_at <= rules.YEAR_S

    @property
    def settled(self) -> bool:
        """Whether nothing is left behind and nothing is under way."""
        return not (self.customers or self.group_chats or self.waiting)

    def as_dict(self) -> dict[str, Any]:
        """The item of `leaver list --json`; `left_at` in Unix seconds."""
        return {
            "userid": self.userid,
            "name": self.name,
            "store": self.store,
            "returned": self.returned,
            "left_at": self.left_at,
            "days_left": self.days_left,
            "customers": self.customers,
            "group_chats": self.group_chats,
            "tagged": self.tagged,
            "with_phone": self.with_phone,
            "waiting": self.waiting,
            "done": self.done,
            "settled": self.settled,
        }


@dataclass(frozen=True, slots=True)
class Coverage:
    """How sure the list of leavers is.

    Attributes:
        unassigned_at: when the unassigned list was last read completely, Unix seconds, None never.
        groups_at: when the group chats were.
        staff_at: when the members were.
        groups_partial: more than 1,000 members are visible to the app, so that WeCom lists a
            leaver's groups only for leavers whose userid an earlier sync has seen (81017).
    """

    unassigned_at: int | None
    groups_at: int | None
    staff_at: int | None
    groups_partial: bool

    @property
    def complete(self) -> bool:
        """Whether every source was read completely at least once."""
        return None not in (self.unassigned_at, self.groups_at, self.staff_at)

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it, times in Unix seconds."""
        return {
            "unassigned_at": self.unassigned_at,
            "groups_at": self.groups_at,
            "staff_at": self.staff_at,
            "groups_partial": self.groups_partial,
        }


def leavers(db: Database, now: float, *, settled: bool = False) -> list[Leaver]:
    """Members who left, those with least time first.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        settled: those who left nothing behind, too.
    """
    behind = {
        staff: (count, phones, tagged)
        for staff, count, phones, tagged in db.execute(
            "SELECT staff_id, count(*), sum(mobiles <> '[]'), sum(EXISTS (SELECT 1"
            " FROM follow_tag AS t WHERE t.follow_id = follow.id))"
            " FROM follow WHERE status = 'unassigned' GROUP BY staff_id"
        )
    }
    groups: dict[str, int] = {}
    orphans: dict[str, int] = {}  # of owners who had left when WeCom was asked
    for owner, count, waits in db.execute(
        f"SELECT owner_userid, count(*), sum(owner_status = {rules.OWNER_LEFT}) FROM group_chat"
        " WHERE status <> 'dissolved' GROUP BY owner_userid"
    ):
        groups[owner.lower()], orphans[owner.lower()] = count, waits
    moves: dict[tuple[str, bool], int] = {}
    for userid, waits, count in db.execute(
        "SELECT handover_userid, status = 'waiting', count(*) FROM handover"
        " WHERE kind = 'resigned' AND status IN ('waiting', 'done') GROUP BY 1, 2"
    ):
        key = (userid.lower(), bool(waits))
        moves[key] = moves.get(key, 0) + count
    found = []
    behind_them = ", ".join(map(str, behind))  # staff.id of those with customers who wait
    for key, userid, name, department, left, left_at in db.execute(
        "SELECT s.id, s.userid, s.name, coalesce(d.name, ''), s.status = 'left',"
        " coalesce(s.left_at, (SELECT max(u.dimission_time) FROM unassigned AS u"
        "  WHERE u.handover_userid = s.userid AND u.dimission_time > 0)) FROM staff AS s"
        " LEFT JOIN department AS d ON d.id = s.main_department"
        f" WHERE s.status = 'left' OR s.id IN ({behind_them})"
    ):
        count, phones, tagged = behind.get(key, (0, 0, 0))
        low = userid.lower()
        leaver = Leaver(
            userid,
            name,
            department,
            not left,
            left_at,
            rules.days_left(left_at, now),
            count,
            (groups if left else orphans).get(low, 0),
            tagged,
            phones,
            moves.get((low, True), 0),
            moves.get((low, False), 0),
        )
        if settled or not leaver.settled:
            found.append(leaver)
    return sorted(
        found, key=lambda each: (each.left_at is None, each.left_at or 0, each.userid.lower())
    )


def leaver(db: Database, text: str, now: float) -> Leaver:
    """One leaver by userid or name.

    Raises:
        NotFoundError: nobody is called so.
        UsageError: several are, or the member has not left.
    """
    from storeops.errors import UsageError
    from storeops.i18n import _

    member: Member = members.find(db, text)
    for each in leavers(db, now, settled=True):
        if each.userid.lower() == member.userid.lower():
            return each
    raise UsageError(
        _("{member} has not left.").format(member=member.label),
        hint=_("Hand over on the job: storeops handover plan --from {userid}").format(
            userid=member.userid
        ),
    )


def coverage(db: Database) -> Coverage:
    """How sure `leavers` is."""
    from storeops.reading import freshness

    scopes = {each.scope: each.completed_at for each in freshness.scopes(db, 0)}
    visible = db.execute("SELECT count(*) FROM staff WHERE status = 'active'").fetchone()[0]
    return Coverage(
        scopes.get("unassigned"), scopes.get("groups"), scopes.get("staff"), visible > NAMED_ABOVE
    )
