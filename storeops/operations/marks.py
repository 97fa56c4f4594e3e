"""Marks by WeCom's ids: what a list of external_userid means in the mirror."""

from __future__ import annotations

import json
from collections.abc import Sequence

from storeops.database.database import Database
from storeops.errors import NotFoundError
from storeops.i18n import _, ngettext
from storeops.tables import typed


def keys_of_ids(db: Database, ids: Sequence[str]) -> list[int]:
    """The customer.id of each external_userid, each once.

    Raises:
        NotFoundError: the mirror does not know one of them; nothing is taken.
    """
    wanted = list(dict.fromkeys(map(typed.word, ids)))
    found: dict[str, int] = dict(
        db.execute(
            "SELECT c.external_userid, c.id FROM json_each(?) j"
            " JOIN customer c ON c.external_userid = j.value",
            (json.dumps(wanted),),
        ).fetchall()
    )
    missing = [each for each in wanted if each not in found]
    if missing:
        raise NotFoundError(
            ngettext(
                "The mirror does not know this customer: {ids}",
                "The mirror does not know {count} of these customers: {ids}",
                len(missing),
            ).format(count=len(missing), ids=_(", ").join(missing[:5])),
            hint=_("Check the ids, or run `storeops sync run` first."),
        )
    return [found[each] for each in wanted]
