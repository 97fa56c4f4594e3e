"""Whom the mirror knows behind the ids of an event: the member's name, the shop and its code."""

from __future__ import annotations

from storeops.database.database import Database
from storeops.domains.welcome.rules import Newcomer


def newcomer(db: Database, userid: str, state: str) -> Newcomer:
    """Who is to be greeted, by what the mirror knows of the member; nothing is asked of WeCom.

    Args:
        db: data.db.
        userid: the member, also by a former userid.
        state: of the contact way.
    """
    row = db.execute(
        "SELECT s.name, s.main_department, coalesce(nullif(h.name, ''), d.name, ''),"
        " coalesce(h.code, ''), coalesce(d.name, '') FROM staff_by_userid AS u"
        " JOIN staff AS s ON s.id = u.staff_id"
        " LEFT JOIN department AS d ON d.id = s.main_department"
        " LEFT JOIN shop AS h ON h.department_id = s.main_department"
        " WHERE u.userid = ? COLLATE NOCASE LIMIT 1",
        (userid,),
    ).fetchone()
    if row is None:
        return Newcomer(userid, state=state)
    member, store_id, store, code, department = row
    known = {code, store, department, str(store_id) if store_id else ""} - {""}
    return Newcomer(userid, member, store_id, store, frozenset(map(str.casefold, known)), state)
