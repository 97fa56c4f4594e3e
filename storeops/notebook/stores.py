"""Shops: which department is which shop of the chain, by its own number, name and region."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import ConflictError
from storeops.i18n import _


@dataclass(frozen=True, slots=True)
class Shop:
    """One shop.

    Attributes:
        department_id: WeCom's department id.
        code: the chain's own number, "" while unknown.
        name: its name, "" to use the department's.
        region: the region it belongs to, "" while unknown.
    """

    department_id: int
    code: str = ""
    name: str = ""
    region: str = ""


def list_shops(db: Database) -> list[Shop]:
    """Every shop of the notebook, by code."""
    rows = db.execute("SELECT department_id, code, name, region FROM shop ORDER BY code, name")
    return [Shop(*row) for row in rows]


def save_shops(db: Database, shops: Iterable[Shop], now: float) -> int:
    """Write shops, all or none; each replaces what its department had.

    Args:
        db: data.db.
        shops: at most one per department and per code.
        now: Unix seconds.

    Returns:
        How many shops are new or changed.

    Raises:
        ConflictError: a code that another department has.
    """
    changed = 0
    with db.atomic():
        for shop in shops:
            other = db.execute(
                "SELECT department_id FROM shop"
                " WHERE code = ? AND code <> '' AND department_id <> ?",
                (shop.code, shop.department_id),
            ).fetchone()
            if other:
                raise ConflictError(
                    _("Shop number {code} belongs to department {department} already.").format(
                        code=shop.code, department=other[0]
                    ),
                    hint=_("Give it another number, or take it from that department first."),
                )
            before = db.execute(
                "SELECT department_id, code, name, region FROM shop WHERE department_id = ?",
                (shop.department_id,),
            ).fetchone()
            if before is None or Shop(*before) != shop:
                changed += 1
                db.execute(
                    "INSERT OR REPLACE INTO shop (department_id, code, name, region, updated_at)"
                    " VALUES (?, ?, ?, ?, ?)",
                    (shop.department_id, shop.code, shop.name, shop.region, int(now)),
                )
    return changed


def forget_shop(db: Database, department_id: int) -> bool:
    """Take a department's shop out; whether there was one."""
    with db.atomic():
        cursor = db.execute("DELETE FROM shop WHERE department_id = ?", (department_id,))
    return cursor.rowcount > 0
