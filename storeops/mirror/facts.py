"""The one door for facts: everything the mirror learns comes in here.

Sync and events hand in batches (`apply_facts`); an answered job tells single facts
(`follow_tags_changed` and the others below). Only differences are written, old values go to the
timeline, and the mirror's revision grows when, and only when, a fact changed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from storeops.database.database import Database
from storeops.mirror import chats, identity, labels, leavers, meta, people
from storeops.mirror.follows import write_follows
from storeops.mirror.keys import Keys
from storeops.mirror.people import Counts
from storeops.mirror.single_facts import (
    deleted_by_customer,
    deleted_by_member,
    follow_status_changed,
    follow_tags_changed,
    follow_transferred,
    remark_changed,
)
from storeops.mirror.timeline import Recorder

if TYPE_CHECKING:
    from storeops.wecom.contacts import Department, User
    from storeops.wecom.customers import FollowRow
    from storeops.wecom.groups import GroupChat
    from storeops.wecom.handover import Unassigned
    from storeops.wecom.tags import CorpTagGroup

__all__ = [
    "Applied",
    "Batch",
    "Counts",
    "Keys",
    "apply_facts",
    "deleted_by_customer",
    "deleted_by_member",
    "follow_status_changed",
    "follow_tags_changed",
    "follow_transferred",
    "remark_changed",
]


@dataclass(frozen=True, slots=True)
class Batch:
    """What was read, as the client's dataclasses; empty parts say nothing.

    Attributes:
        departments: the list of department/list; None when it was not read.
        departments_whole: every row of it could be read, so that what it lacks is missing.
        staff: members; those not named are not missed.
        follow_users: the list of members with customer contact; None when not read.
        follow_users_whole: every row of it could be read, so that who is not in it has none.
        renamed: (old, new) userids of members whose id WeCom changed.
        gone: (userid, "left" | "out_of_scope" | "missing") of members who are no longer there.
        tag_groups: corp tags in their groups.
        deleted_tags: tag ids that WeCom calls deleted.
        follows: rows of batch/get_by_user.
        unassigned: rows of get_unassigned_list.
        chats: (group_chat of groupchat/get, status of groupchat/list).
        gone_chats: (chat_id, "missing" | "dissolved").
    """

    departments: Sequence[Department] | None = None
    departments_whole: bool = True
    staff: Sequence[User] = ()
    follow_users: Sequence[str] | None = None
    follow_users_whole: bool = True
    renamed: Sequence[tuple[str, str]] = ()
    gone: Sequence[tuple[str, str]] = ()
    tag_groups: Sequence[CorpTagGroup] = ()
    deleted_tags: Sequence[str] = ()
    follows: Sequence[FollowRow] = ()
    unassigned: Sequence[Unassigned] = ()
    chats: Sequence[tuple[GroupChat, int]] = ()
    gone_chats: Sequence[tuple[str, str]] = ()


@dataclass(slots=True)
class Applied:
    """What a batch did.

    Attributes:
        counts: rows seen, added, changed, missing, lost.
        follow_ids: follow.id of each row of `follows`, in order.
        changed: whether any fact changed.
    """

    counts: Counts = field(default_factory=Counts)
    follow_ids: list[int] = field(default_factory=list)
    changed: bool = False


def apply_facts(
    db: Database, source: str, batch: Batch, now: int, ref: str, keys: Keys | None = None
) -> Applied:
    """Bring the mirror to what `batch` says, in one transaction (or inside the caller's).

    Args:
        db: data.db.
        source: sync | event | job.
        batch: what was read.
        now: Unix seconds of WeCom's clock.
        ref: id of the run, event or job, for the timeline.
        keys: looked-up keys that one writer keeps between batches; call `forget` on them when a
            transaction was rolled back.

    Raises:
        ConfigError: the disk is full or the file cannot be written; nothing was changed.
    """
    keys = keys or Keys()
    record = Recorder(source, ref, now)
    applied = Applied()
    with db.atomic() as connection:
        if batch.departments is not None:
            listed = people.write_departments(
                connection, batch.departments, record, whole=batch.departments_whole
            )
            _add(applied.counts, listed)
        for old, new in batch.renamed:
            applied.counts.changed += identity.rename(connection, keys, old, new, record)
        if batch.staff:
            _add(applied.counts, people.write_staff(connection, keys, batch.staff, record))
        if batch.follow_users is not None:
            people.write_follow_users(
                connection, keys, batch.follow_users, record, whole=batch.follow_users_whole
            )
        for userid, whereabouts in batch.gone:
            applied.counts.changed += people.staff_gone(connection, userid, whereabouts, record)
        if batch.tag_groups:
            _add(applied.counts, labels.write_tag_groups(connection, batch.tag_groups, record))
        if batch.deleted_tags:
            gone = labels.tags_deleted(connection, batch.deleted_tags, record)
            applied.counts.lost += gone
        if batch.follows:
            written = write_follows(connection, keys, batch.follows, record)
            applied.follow_ids = written.seen
            counts = Counts(len(batch.follows), written.added, written.changed)
            _add(applied.counts, counts)
        if batch.unassigned:
            rows = leavers.write_unassigned(connection, keys, batch.unassigned, record)
            _add(applied.counts, rows)
        for chat, owner_status in batch.chats:
            done = chats.write_chat(connection, chat, owner_status, record)
            _add(applied.counts, Counts(1, int(done == "added"), int(done == "changed")))
        for chat_id, word in batch.gone_chats:
            changed = chats.set_chat_status(connection, [chat_id], word, record)
            applied.counts.missing += changed if word == "missing" else 0
            applied.counts.lost += changed if word == "dissolved" else 0
        record.flush(connection)
        if record.changed:
            meta.bump_revision(connection)
    applied.changed = record.changed
    return applied


def _add(total: Counts, more: Counts) -> None:
    total.seen += more.seen
    total.added += more.added
    total.changed += more.changed
    total.missing += more.missing
    total.lost += more.lost
