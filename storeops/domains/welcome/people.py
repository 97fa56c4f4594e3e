"""Whom the mirror knows behind the ids of an event: the member's name, the shop and its code."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.domains.welcome.rules import Newcomer
from storeops.mirror import members
from storeops.notebook import stores
from storeops.reading import directory


def newcomer(db: Database, userid: str, state: str) -> Newcomer:
    """Who is to be greeted, by what the mirror knows of the member; nothing is asked of WeCom.

    Args:
        db: data.db.
        userid: the member, also by a former userid.
        state: of the contact way.
    """
    found = members.by_userids(db, [userid]).get(userid.lower())
    if found is None:
        return Newcomer(userid, state=state)
    shop = next(
        (each for each in stores.list_shops(db) if each.department_id == found.store_id), None
    )
    department = directory.department_names(db).get(found.store_id, "")
    store = (shop.name if shop else "") or department
    known = {store, department, shop.code if shop else "", str(found.store_id or "")} - {""}
    return Newcomer(
        found.userid, found.name, found.store_id, store, frozenset(map(str.casefold, known)), state
    )
