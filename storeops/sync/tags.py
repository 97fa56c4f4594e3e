"""The scope tags: the library of corp tags; what it no longer shows is asked for by id."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.errors import StoreOpsError
from storeops.mirror import labels
from storeops.mirror.facts import Batch
from storeops.sync.results import Outcome
from storeops.sync.session import Session
from storeops.wecom import tags
from storeops.wecom.errcodes import ErrorCondition
from storeops.wecom.errors import has_condition
from storeops.wecom.oddities import collecting_lost

_IDS = 100


def read_tags(session: Session) -> Outcome:
    """Groups and tags, whole (doc 92117). A tag counts as deleted when WeCom says so by its id."""
    session.count_call()
    try:
        with collecting_lost() as lost:
            library = tags.list_corp_tags(session.client)
    except StoreOpsError as error:
        session.check_stop()
        session.fail("tags", error)
        return "failed"
    for start in range(0, len(library), 50):
        session.apply(Batch(tag_groups=library[start : start + 50]))
        session.report_progress()
    session.fail_rows(lost)
    listed = (tag.id for group in library for tag in group.tag)
    absent = labels.absent_tags(session.db.connection, listed)
    for start in range(0, len(absent), _IDS):
        try:
            deleted = _deleted(session, absent[start : start + _IDS])
        except StoreOpsError as error:
            session.check_stop()
            session.fail("tags", error)
            return "partial"
        session.apply(Batch(deleted_tags=deleted))
    return "partial" if session.failures() else "complete"


def _deleted(session: Session, tag_ids: Sequence[str]) -> list[str]:
    """Those of `tag_ids` that WeCom calls deleted, or does not know any more."""
    session.count_call()
    try:
        with collecting_lost() as lost:
            found = tags.list_corp_tags(session.client, tag_ids)
    except StoreOpsError as error:
        if not has_condition(error, ErrorCondition.TAG_UNKNOWN):
            raise
        if len(tag_ids) == 1:
            return list(tag_ids)
        return [gone for each in tag_ids for gone in _deleted(session, [each])]
    session.fail_rows(lost)
    if any("id" not in row.ids for row in lost):
        return []  # it may be any of them
    alive = {tag.id for group in found for tag in group.tag if not tag.deleted}
    alive.update(row.ids["id"] for row in lost)
    return [each for each in tag_ids if each not in alive]
