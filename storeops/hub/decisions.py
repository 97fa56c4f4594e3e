"""What head office decided about a shop's request, as it flows down to that shop."""

from __future__ import annotations

from storeops.shared_rows import Noted, SharedTable, SharedThing

THINGS = (
    SharedThing(
        kind="request",
        tables=(
            SharedTable(
                name="hub_decision",
                rows="SELECT id, request_id, status, reason, decided_by FROM hub_request"
                " WHERE id = :key",
                held="id = :key",
            ),
        ),
        stores="SELECT d.store FROM hub_request AS r JOIN {departments} AS d"
        " ON d.department_id = r.store AND d.store = r.store AND d.below = 1 WHERE r.id = :key",
        every="SELECT id FROM hub_request WHERE store = :store",
        noted=(Noted(table="hub_request", columns="status, reason, decided_by"),),
    ),
)
