"""What of the notebook flows to a shop's back office: its own number, name and region."""

from __future__ import annotations

from storeops.shared_rows import Noted, SharedTable, SharedThing

THINGS = (
    SharedThing(
        kind="shop",
        tables=(
            SharedTable(
                name="shop",
                rows="SELECT w.key, w.store, r.department_id, r.code, r.name, r.region,"
                " r.updated_at FROM {wanted} AS w CROSS JOIN shop AS r ON r.department_id = w.key",
                held="department_id = :key",
            ),
        ),
        stores="SELECT k.key, d.store FROM {keys} AS k"
        " CROSS JOIN {departments} AS d ON d.department_id = k.key AND d.below = 1",
        every="SELECT department_id FROM shop WHERE department_id IN"
        " (SELECT department_id FROM {departments} WHERE store = :store AND below = 1)",
        noted=(Noted(table="shop", keys="SELECT {row}.department_id"),),
    ),
)
