"""Reading a subject again and bringing the mirror to what WeCom says now.

Every kind has a `read`, which asks WeCom and touches no database (it runs on a thread), and a
`write`, which puts the answer into the mirror. Both may be repeated at any time. `state` is what
the mirror holds before the reading; when it is another one at the writing, a job or a sync has
written meanwhile what WeCom's answer may not have shown yet, and the subject is read anew.

What an event claims is believed only where reading cannot tell: that it was the customer who
deleted a member, and that a relation which is not listed any more ended by deletion.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from storeops.database.database import Database
from storeops.domain import load, registry
from storeops.errors import StoreOpsError
from storeops.events import kinds
from storeops.events.inbox import Event, Work
from storeops.events.readers import EventReader
from storeops.mirror import chats, facts, labels
from storeops.mirror.facts import Batch
from storeops.wecom.errcodes import ErrorCondition, condition_of
from storeops.wecom.oddities import LostRow, collecting_lost

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient
    from storeops.wecom.customers import Customer, FollowRow, FollowUser

PATIENT_READS = 3  # an added relation that WeCom does not show yet is asked for so often


# what a write of somebody else changes, per kind; the parameter is the subject's id
_STATES = {
    kinds.CUSTOMER: (
        "SELECT f.id, f.digest, f.status, f.deleted_by_customer_at, f.updated_at FROM follow AS f"
        " WHERE f.customer_id = (SELECT id FROM customer WHERE external_userid = ?) ORDER BY f.id"
    ),
    kinds.MEMBER: "SELECT id, digest, status, updated_at FROM staff WHERE userid = ?",
    kinds.CHAT: "SELECT id, digest, status, updated_at FROM group_chat WHERE chat_id = ?",
    kinds.DEPARTMENTS: "SELECT id, digest, status FROM department WHERE ? = '' ORDER BY id",
    kinds.TAGS: "SELECT id, digest, deleted_at FROM tag WHERE ? = '' ORDER BY id",
}


@dataclass(frozen=True, slots=True)
class Reading:
    """What WeCom said about a subject, and the rows of it that cannot be read."""

    found: Any
    lost: Sequence[LostRow] = ()

    def about(self, event: Event) -> LostRow | None:
        """The row that may be the event's relation, and cannot be read."""
        return next((row for row in self.lost if row.may_be(userid=event.userid)), None)


@dataclass(frozen=True, slots=True)
class WrittenFacts:
    """What became of the events of a subject that was written; all others are handled.

    Attributes:
        later: event.id of what WeCom does not show yet: ask again in a moment.
        hidden: event.id → the row that it is about and that cannot be read.
    """

    later: frozenset[int] = frozenset()
    hidden: Mapping[int, LostRow] = field(default_factory=dict)


class Overtaken(Exception):
    """The mirror was written while WeCom was read."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """What writing needs.

    Attributes:
        db: data.db.
        now: Unix seconds of WeCom's clock.
    """

    db: Database
    now: float

    def apply(self, batch: Batch, ref: str) -> None:
        """Facts that an event brought."""
        facts.apply_facts(self.db, "event", batch, int(self.now), ref)


def read(client: WeComClient, work: Work) -> Any:
    """Ask WeCom about a subject; what `write` needs.

    Raises:
        StoreOpsError: no answer, or a refusal that says nothing about the subject.
    """
    kind = work.subject.kind
    if (own := _of_domain(kind)) is not None:
        return own.read(client, work.subject.id)
    reader = _READERS.get(kind)
    if reader is None:
        return Reading(None)
    with collecting_lost() as lost:
        found = reader(client, work)
    return Reading(found, lost)


def state(db: Database, work: Work) -> Any:
    """What the mirror holds of a subject; take it before the reading."""
    sql = _STATES.get(work.subject.kind)
    return None if sql is None else db.execute(sql, (work.subject.id,)).fetchall()


def write(mirror: Mirror, work: Work, found: Any, before: Any) -> WrittenFacts:
    """Bring the mirror to what was read.

    Args:
        mirror: where.
        work: the events.
        found: what `read` gave.
        before: what `state` gave before the reading.

    Raises:
        Overtaken: somebody else wrote meanwhile; nothing was written, read again.
        StoreOpsError: the database cannot be written.
    """
    if (own := _of_domain(work.subject.kind)) is not None:
        own.write(mirror.db, work.subject.id, found, work.events, mirror.now)
        return WrittenFacts()
    with mirror.db.atomic():
        if state(mirror.db, work) != before:
            raise Overtaken
        _WRITERS[work.subject.kind](mirror, work, found)
    if work.subject.kind != kinds.CUSTOMER:
        return WrittenFacts(hidden={each.id: row for each in work.events for row in found.lost})
    hidden = {each.id: row for each in work.events if (row := found.about(each)) is not None}
    return WrittenFacts(_not_shown(mirror, work, found) - hidden.keys(), hidden)


def _of_domain(kind: str) -> EventReader | None:
    found = registry().named("events").get(kind)
    if found is None:
        return None
    reader: EventReader = load(found[1])
    return reader


def _ref(events: Sequence[Event]) -> str:
    """The event that the timeline names."""
    return str(events[-1].id)


def _read_or(gone: Sequence[ErrorCondition], call: Callable[[], Any]) -> Any:
    """The answer, or the condition when WeCom refuses because the thing is gone in that way."""
    try:
        return call()
    except StoreOpsError as error:
        condition = condition_of(error.errcode)
        if condition in gone:
            return condition
        raise


# -- customers


def _read_customer(client: WeComClient, work: Work) -> Any:
    from storeops.wecom import customers

    return _read_or(
        (ErrorCondition.NO_RELATION, ErrorCondition.NOT_VISIBLE),
        lambda: customers.get(client, work.subject.id),
    )


def _write_customer(mirror: Mirror, work: Work, reading: Reading) -> None:
    from storeops.wecom.customers import FollowRow, info_of

    found: Customer | ErrorCondition = reading.found
    listed = _listed(found)
    about = {each.userid.lower() for each in work.events}
    staying = _present(mirror.db, about)
    if not isinstance(found, ErrorCondition):
        rows: list[FollowRow] = [
            FollowRow(found.external_contact, info_of(follow))
            for userid, follow in listed.items()
            if userid in about and userid in staying
        ]
        if rows:
            mirror.apply(Batch(follows=rows), _ref(work.events))
    for each in work.events:
        if reading.about(each) is None:
            _believe(mirror, each, listed.get(each.userid.lower()))


def _believe(mirror: Mirror, each: Event, relation: FollowUser | None) -> None:
    """What only the event knows: who ended a relation, and when."""
    who = (each.userid, each.external_userid)
    ref, now = str(each.id), int(mirror.now)
    if _created(mirror.db, each, relation) > each.create_time:
        return  # added again since: the event speaks of an earlier relation
    if each.change_type == kinds.DELETED and relation is None:
        facts.deleted_by_member(
            mirror.db, *who, at=each.create_time, source="event", ref=ref, now=now
        )
    if each.change_type == kinds.DELETED_BY_CUSTOMER:
        facts.deleted_by_customer(
            mirror.db, *who, at=each.create_time, source="event", ref=ref, now=now
        )


def _created(db: Database, each: Event, relation: FollowUser | None) -> int:
    """When the relation began that WeCom shows, else the one that the mirror remembers; or 0."""
    if relation is not None:
        return relation.createtime
    row = db.execute(
        "SELECT f.createtime FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN customer AS c ON c.id = f.customer_id"
        " WHERE s.userid = ? AND c.external_userid = ?",
        (each.userid, each.external_userid),
    ).fetchone()
    return int(row[0]) if row is not None else 0


def _listed(found: Customer | ErrorCondition) -> dict[str, FollowUser]:
    """Who follows the customer, by lower-case userid."""
    return (
        {}
        if isinstance(found, ErrorCondition)
        else {f.userid.lower(): f for f in found.follow_user}
    )


def _not_shown(mirror: Mirror, work: Work, reading: Reading) -> frozenset[int]:
    """Addings that are not listed, unless the end of the relation was told, too."""
    listed = _listed(reading.found)
    ended = {each.userid.lower() for each in work.events if each.change_type == kinds.DELETED}
    added = [
        each
        for each in work.events
        if each.change_type in kinds.ADDED
        and each.attempts < PATIENT_READS
        and each.userid.lower() not in listed
        and each.userid.lower() not in ended
    ]
    staying = _present(mirror.db, {each.userid.lower() for each in added})
    return frozenset(each.id for each in added if each.userid.lower() in staying)


def _present(db: Database, userids: set[str]) -> set[str]:
    """Those who are not known to have left or gone out of sight: their follows are not active."""
    away = {
        row[0].lower()
        for each in userids
        for row in db.execute(
            "SELECT userid FROM staff WHERE userid = ? AND status IN ('left', 'out_of_scope')",
            (each,),
        )
    }
    return userids - away


# -- members and departments


def _read_member(client: WeComClient, work: Work) -> Any:
    from storeops.wecom import contacts

    return _read_or(
        (ErrorCondition.MEMBER_GONE,), lambda: contacts.get_user(client, work.subject.id)
    )


def _write_member(mirror: Mirror, work: Work, reading: Reading) -> None:
    from storeops.wecom.contacts import LEFT

    found = reading.found
    renamed = [
        (each.userid, work.subject.id)
        for each in work.events
        if each.change_type == "update_user" and each.userid.lower() != work.subject.id.lower()
    ]
    if renamed:
        mirror.apply(Batch(renamed=renamed), _ref(work.events))
    if found is not ErrorCondition.MEMBER_GONE and found.status != LEFT:
        mirror.apply(Batch(staff=[found]), _ref(work.events))
    elif any(each.change_type == "delete_user" for each in work.events):
        # not in the contacts any more, and WeCom has said why
        mirror.apply(Batch(gone=[(work.subject.id, "left")]), _ref(work.events))


def _read_departments(client: WeComClient, work: Work) -> Any:
    from storeops.wecom import contacts

    return contacts.list_departments(client)


def _write_departments(mirror: Mirror, work: Work, reading: Reading) -> None:
    batch = Batch(departments=reading.found, departments_whole=not reading.lost)
    mirror.apply(batch, _ref(work.events))


# -- tags


def _read_tags(client: WeComClient, work: Work) -> Any:
    from storeops.wecom import tags

    return tags.list_corp_tags(client)


def _write_tags(mirror: Mirror, work: Work, reading: Reading) -> None:
    """The whole library; what it lacks is deleted when an event said that something was."""
    mirror.apply(Batch(tag_groups=reading.found), _ref(work.events))
    deleted = any(each.change_type == "delete" for each in work.events)
    if deleted and all("id" in row.ids for row in reading.lost):
        listed = [tag.id for group in reading.found for tag in group.tag]
        listed += [row.ids["id"] for row in reading.lost]
        absent = labels.absent_tags(mirror.db.connection, listed)
        if absent:
            mirror.apply(Batch(deleted_tags=absent), _ref(work.events))


# -- group chats


def _read_chat(client: WeComClient, work: Work) -> Any:
    from storeops.wecom import groups

    return _read_or((ErrorCondition.CHAT_GONE,), lambda: groups.get_chat(client, work.subject.id))


def _write_chat(mirror: Mirror, work: Work, reading: Reading) -> None:
    found = reading.found
    if any(each.change_type == "dismiss" for each in work.events):
        # final, and the answer may lag behind (doc 92122)
        mirror.apply(Batch(gone_chats=[(work.subject.id, "dissolved")]), _ref(work.events))
    elif not isinstance(found, ErrorCondition):
        row = mirror.db.execute(
            "SELECT owner_status, owner_userid FROM group_chat WHERE chat_id = ?",
            (work.subject.id,),
        ).fetchone()
        if reading.lost:
            unread = [each.ids.get("userid") for each in reading.lost]
            found = chats.with_known_members(mirror.db.connection, found, unread)
        # the owner's situation is told by groupchat/list only; a new owner begins afresh
        same = row is not None and row[1].lower() == found.owner.lower()
        mirror.apply(Batch(chats=[(found, row[0] if same else 0)]), _ref(work.events))


_READERS: dict[str, Callable[[WeComClient, Work], Any]] = {
    kinds.CUSTOMER: _read_customer,
    kinds.MEMBER: _read_member,
    kinds.DEPARTMENTS: _read_departments,
    kinds.TAGS: _read_tags,
    kinds.CHAT: _read_chat,
}
_WRITERS: dict[str, Callable[[Mirror, Work, Reading], None]] = {
    kinds.CUSTOMER: _write_customer,
    kinds.MEMBER: _write_member,
    kinds.DEPARTMENTS: _write_departments,
    kinds.TAGS: _write_tags,
    kinds.CHAT: _write_chat,
}
