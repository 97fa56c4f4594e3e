"""What head office decided about a shop's request, as it flows down to that shop."""

from __future__ import annotations

from storeops.shared_rows import Noted, SharedTable, SharedThing

THINGS = (
    SharedThing(
        kind="request",
        tables=(
            SharedTable(
                name="hub_decision",
                rows="SELECT w.key, w.store, r.id, r.request_id, r.status, r.reason, r.decided_by"
                " FROM {wanted} AS w CROSS JOIN hub_request AS r ON r.id = w.key",
                held="id = :key",
            ),
        ),
        stores="SELECT k.key, d.store FROM {keys} AS k"
        " CROSS JOIN hub_request AS r ON r.id = k.key JOIN {departments} AS d"
        " ON d.department_id = r.store AND d.store = r.store AND d.below = 1",
        every="SELECT id FROM hub_request WHERE store = :store",
        noted=(Noted(table="hub_request", columns="status, reason, decided_by"),),
    ),
)
