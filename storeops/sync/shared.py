"""How fresh a shop's part of the mirror is: what of syncs flows to its back office."""

from __future__ import annotations

from storeops.mirror.shared import STAFF_OF_STORE, STORES_OF_STAFF
from storeops.shared_rows import Noted, SharedTable, SharedThing
from storeops.sync.scopes import CORE

# of what flows; scopes of domains say nothing where their rows are not
_SCOPES = "({})".format(", ".join(f"'{each}'" for each in CORE))
# of each scope the last reading, and the last complete one
_RUNS = (
    f"SELECT max(run_id) FROM sync_scope WHERE outcome IS NOT NULL AND scope IN {_SCOPES}"
    " GROUP BY scope UNION SELECT max(run_id) FROM sync_scope"
    f" WHERE outcome = 'complete' AND scope IN {_SCOPES} GROUP BY scope"
)

THINGS = (
    SharedThing(
        kind="coverage",
        tables=(
            SharedTable(
                name="staff_coverage",
                rows="SELECT w.key, w.store, r.staff_id, r.complete_at, r.complete_run,"
                " r.failed_at, r.errcode, r.gone_once_run FROM {wanted} AS w"
                " CROSS JOIN staff_coverage AS r ON r.staff_id = w.key",
                held="staff_id = :key",
            ),
        ),
        stores=STORES_OF_STAFF,
        every=f"SELECT staff_id FROM staff_coverage WHERE staff_id IN ({STAFF_OF_STORE})",
        noted=(
            Noted(table="staff_coverage", keys="SELECT {row}.staff_id"),
            Noted(table="staff", columns="main_department"),
        ),
        last=True,
    ),
    SharedThing(
        kind="sync",
        tables=(
            SharedTable(
                name="sync_run",
                rows="SELECT w.key, w.store, r.id, r.started_at, r.finished_at, r.heartbeat_at,"
                " r.mode, r.store_id, r.scopes, r.outcome FROM {wanted} AS w"
                f" CROSS JOIN sync_run AS r ON r.outcome IS NOT NULL AND r.id IN ({_RUNS})"
                " AND r.mode <> 'store' ORDER BY r.id",
                held="1 = 1",
            ),
            SharedTable(
                name="sync_scope",
                rows="SELECT w.key, w.store, s.run_id, s.scope, s.outcome, s.started_at,"
                " s.finished_at FROM {wanted} AS w CROSS JOIN sync_scope AS s"
                " JOIN sync_run AS r ON r.id = s.run_id WHERE s.outcome IS NOT NULL"
                " AND r.outcome IS NOT NULL AND r.mode <> 'store'"
                f" AND s.scope IN {_SCOPES} AND s.run_id IN ({_RUNS}) ORDER BY s.run_id, s.scope",
                held="1 = 1",
            ),
        ),
        every="SELECT 0",
        noted=(Noted(table="sync_run", columns="outcome", keys="SELECT 0"),),
        last=True,
    ),
)
