"""The scope contact_ways: which there are (doc 92228), then each of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from storeops.domains.contact_way import facts
from storeops.errors import StoreOpsError
from storeops.i18n import N_
from storeops.mirror.facts import Counts
from storeops.sync import refusals
from storeops.sync.results import Outcome
from storeops.sync.scopes import SyncScope
from storeops.sync.session import Session
from storeops.wecom.errcodes import ErrorCondition
from storeops.wecom.errors import has_condition

if TYPE_CHECKING:
    from storeops.wecom.contact_ways import ContactWay

REREAD_S = 20 * 3600  # only apps change a way: what was read since is believed, unless --full
_WRITE = 50  # ways a transaction


def read_ways(session: Session) -> Outcome:
    """List all ids, then ask for each way that is new or was not read for `REREAD_S`.

    A known way that the list does not show is asked for by its id: only that says it is gone.
    """
    from storeops.wecom import contact_ways

    listed: list[str] = []
    session.count_call()
    try:
        for page in contact_ways.iter_pages(session.client):
            listed += [row.config_id for row in page.contact_way]
            session.check_stop()
            if page.next_cursor:
                session.count_call()
    except StoreOpsError as error:
        session.check_stop()
        session.fail("contact_ways", error)
        return "failed"
    known = dict(
        session.db.execute(
            "SELECT config_id, read_at FROM contact_way WHERE gone_at IS NULL"
        ).fetchall()
    )
    shown = set(listed)
    limit = session.began() if session.run.mode == "full" else session.now - REREAD_S
    wanted = [
        each for each in dict.fromkeys((*listed, *known))
        if each not in shown or known.get(each, 0) <= limit
    ]  # fmt: skip
    believed = len(shown | known.keys()) - len(wanted)
    session.counters.total = believed + len(wanted)
    session.count(Counts(seen=believed))
    _read_each(session, wanted)
    with session.db.atomic() as connection:
        session.save(connection)
    return "partial" if session.failures() else "complete"


def _read_each(session: Session, wanted: Sequence[str]) -> None:
    from storeops.wecom import contact_ways

    def read(config_id: str) -> tuple[int, ContactWay]:
        began = session.now
        return began, contact_ways.get(session.client, config_id)

    found: list[tuple[int, ContactWay]] = []
    gone: list[str] = []
    silent = 0
    for config_id, way, error in session.read_many(wanted, read):
        if way is not None:
            silent = 0
            found.append(way)
        elif error is None:
            continue
        elif has_condition(error, ErrorCondition.WAY_GONE):
            gone.append(config_id)
        else:
            session.fail(config_id, error)
            silent += refusals.unreachable(error)
            if refusals.ends_scope(error) or silent > refusals.SILENCES:
                session.fail(session.counters.scope, error)
                break
        if len(found) + len(gone) >= _WRITE:
            _write(session, found, gone)
            found, gone = [], []
    _write(session, found, gone)


def _write(session: Session, found: Sequence[tuple[int, ContactWay]], gone: Sequence[str]) -> None:
    with session.db.atomic() as connection:
        for began, way in found:
            session.count(facts.read(connection, way, session.now, began))
        for config_id in gone:
            session.count(facts.gone(connection, config_id, session.now))
        session.save(connection)


SCOPE = SyncScope(
    N_("contact ways"), "externalcontact/get_contact_way", 1,
    "storeops.domains.contact_way.scope:read_ways",
)  # fmt: skip
