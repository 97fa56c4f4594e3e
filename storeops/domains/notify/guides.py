"""Single members as receivers: where a message for one guide alone goes."""

from __future__ import annotations

from collections.abc import Iterable

from storeops.database.database import Database
from storeops.domains.notify import targets
from storeops.domains.notify.targets import APP
from storeops.mirror import members

_GONE = ("left", "out_of_scope")  # the app reaches nobody of these


def receivers(db: Database, userids: Iterable[str]) -> dict[str, str]:
    """Userid → name of the target that is this member alone; "" where nobody can be told.

    A member who left, whom the app does not see, or whose name a group has is nobody.
    """
    wanted = list(userids)
    known = members.by_userids(db, wanted)
    others = {each.name.casefold() for each in targets.every(db) if each.sender != APP}
    found = {}
    for userid in wanted:
        member = known.get(userid.lower())
        name = targets.own_name("guide", userid)
        reached = member is not None and member.status not in _GONE
        found[userid] = name if reached and name.casefold() not in others else ""
    return found
