"""What the notebook adds to the filter language, and to a shell: marks, notes, views."""

from __future__ import annotations

from collections.abc import Sequence

from storeops.database.database import Database
from storeops.i18n import N_
from storeops.notebook.marks import mark_keys
from storeops.operations.completion_values import like, most
from storeops.reading.conditions import Condition

MARK = Condition(
    named=mark_keys,
    unknown=N_("no mark is called “{value}”"),
    source=lambda key, _now: ("SELECT customer_id FROM mark_item WHERE mark_id = ?", (int(key),)),
    probe=lambda key, _now: (
        "EXISTS (SELECT 1 FROM mark_item WHERE mark_id = ? AND customer_id = {id})",
        (int(key),),
    ),
    words=("标记",),
    help=N_("In this mark: mark:picked."),
)
NOTE = Condition(
    source=lambda text, _now: (
        "SELECT c.id AS customer_id FROM note n JOIN customer c"
        " ON c.external_userid = n.external_userid WHERE n.text LIKE ? ESCAPE '\\'",
        (f"%{like(text)}",),
    ),
    words=("便签", "笔记"),
    help=N_("A note of ours says this: note:allergic."),
)


def marks(db: Database, start: str) -> Sequence[tuple[str, str]]:
    """Completion: names of marks."""
    return most(db, "SELECT name AS value, '' AS what FROM mark WHERE name LIKE :s", start)


def views(db: Database, start: str) -> Sequence[tuple[str, str]]:
    """Completion: names of views, with what they filter."""
    return most(db, "SELECT name AS value, filter AS what FROM view WHERE name LIKE :s", start)
