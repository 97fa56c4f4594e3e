"""Whom the mirror knows behind the ids of an event: the member's name, the shop and its code."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.database.database import Database
from storeops.domains.contact_way.ways import called, names
from storeops.domains.welcome.rules import Newcomer, WelcomeRule
from storeops.mirror import members
from storeops.notebook import stores
from storeops.reading import directory, freshness
from storeops.spelling import like

STATELESS = "way without state"


def newcomer(db: Database, userid: str, state: str) -> Newcomer:
    """Who is to be greeted, by what the mirror knows of the member; nothing is asked of WeCom.

    Args:
        db: data.db.
        userid: the member, also by a former userid.
        state: of the contact way.
    """
    found = members.by_userids(db, [userid]).get(userid.lower())
    by = called(db, state)
    if found is None:
        return Newcomer(userid, state=state, ways=by)
    shop = next(
        (each for each in stores.list_shops(db) if each.department_id == found.store_id), None
    )
    department = directory.department_names(db).get(found.store_id, "")
    store = (shop.name if shop else "") or department
    known = {store, department, shop.code if shop else "", str(found.store_id or "")} - {""}
    return Newcomer(
        found.userid, found.name, found.store_id, store, frozenset(map(str.casefold, known)), state,
        by,
    )  # fmt: skip


def unknown(db: Database, rules: Sequence[WelcomeRule]) -> list[tuple[str, str, str]]:
    """(rule, key, value) of members, shops and contact ways in rules that the mirror does not know.

    Such a part of a rule fits nobody: a wrong letter leaves customers without a word. What was
    never read is not judged. The key of a contact way without a state is "way without state".
    """
    shops = {
        each.casefold()
        for shop in stores.list_shops(db)
        for each in (shop.code, shop.name, str(shop.department_id))
    }
    for department, name in directory.department_names(db).items():
        shops |= {str(department), name.casefold()}
    staff = members.by_userids(db, [each for rule in rules for each in rule.members])
    ways, stateless = names(db), names(db, with_state=False)
    scopes = freshness.scopes(db, 0.0, names=("departments", "staff", "contact_ways"))
    read = {each.scope for each in scopes if each.completed_at is not None}
    found = []
    for rule in rules:
        if "departments" in read:
            found += [(rule.name, "stores", x) for x in rule.stores if x.casefold() not in shops]
        if "staff" in read:
            found += [(rule.name, "members", x) for x in rule.members if x.lower() not in staff]
        for x in rule.way if "contact_ways" in read else ():
            if any(like(each, x.casefold()) for each in ways):
                continue
            known = any(like(each, x.casefold()) for each in stateless)
            found.append((rule.name, STATELESS if known else "way", x))
    return found
