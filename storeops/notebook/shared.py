"""What of the notebook flows to a shop's back office: its own number, name and region."""

from __future__ import annotations

from storeops.shared_rows import Noted, SharedTable, SharedThing

THINGS = (
    SharedThing(
        kind="shop",
        tables=(
            SharedTable(
                name="shop",
                rows="SELECT department_id, code, name, region, updated_at FROM shop"
                " WHERE department_id = :key",
                held="department_id = :key",
            ),
        ),
        stores="SELECT store FROM {departments} WHERE department_id = :key AND below = 1",
        every="SELECT department_id FROM shop WHERE department_id IN"
        " (SELECT department_id FROM {departments} WHERE store = :store AND below = 1)",
        noted=(Noted(table="shop", keys="SELECT {row}.department_id"),),
    ),
)
