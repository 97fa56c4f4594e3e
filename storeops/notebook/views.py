"""Views: filters with a name, an order and columns, shared by commands, rules and screens."""

from __future__ import annotations

import json
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import ConflictError, NotFoundError, UsageError
from storeops.i18n import _
from storeops.spelling import did_you_mean

_NAME = re.compile(r"[^\s\x00-\x1f\x7f@#:!\"'()（）|,][^\x00-\x1f\x7f]{0,59}")


@dataclass(frozen=True, slots=True)
class SavedView:
    """One view.

    Attributes:
        name: its name, upper and lower case alike.
        filter: text of the filter language.
        sort: newest, oldest or name.
        columns: field names, empty for the usual ones.
        created_at, updated_at: Unix seconds.
    """

    name: str
    filter: str
    sort: str
    columns: tuple[str, ...]
    created_at: int
    updated_at: int


def check_name(name: str) -> str:
    """A name for a view or a mark, without blanks around it.

    Raises:
        UsageError: empty, too long, or beginning with a sign of the filter language.
    """
    name = name.strip()
    if not _NAME.fullmatch(name):
        raise UsageError(
            _("“{name}” cannot be a name.").format(name=name),
            hint=_("Use up to 60 characters; do not begin with a sign such as @ # ! or a quote."),
        )
    return name


def save_view(
    db: Database,
    name: str,
    filter_text: str,
    *,
    sort: str = "newest",
    columns: Sequence[str] = (),
    now: float,
    replace: bool = False,
) -> SavedView:
    """Keep a view; the filter was checked by the caller.

    Raises:
        ConflictError: the name is taken and `replace` is False.
        UsageError: not a name.
    """
    name = check_name(name)
    with db.atomic():
        before = _find(db, name)
        if before is not None and not replace:
            raise ConflictError(
                _("There is a view “{name}” already.").format(name=before.name),
                hint=_("Add --replace to overwrite it, or choose another name."),
            )
        created = before.created_at if before else int(now)
        db.execute("DELETE FROM view WHERE name = ?", (name,))
        db.execute(
            "INSERT INTO view (name, filter, sort, columns, created_at, updated_at)"
            " VALUES (?, ?, ?, ?, ?, ?)",
            (name, filter_text, sort, json.dumps(list(columns)), created, int(now)),
        )
    return SavedView(name, filter_text, sort, tuple(columns), created, int(now))


def list_views(db: Database) -> list[SavedView]:
    """All views, by name."""
    rows = db.execute(
        "SELECT name, filter, sort, columns, created_at, updated_at FROM view ORDER BY name"
    )
    return [_view(row) for row in rows]


def get_view(db: Database, name: str) -> SavedView:
    """One view.

    Raises:
        NotFoundError: with the nearest names.
    """
    found = _find(db, name.strip())
    if found is None:
        names = [each.name for each in list_views(db)]
        known = _("Known: {names}.").format(names=_(", ").join(names[:5]))
        none = _("Save one with `storeops view save NAME --where FILTER`.")
        raise NotFoundError(
            _("There is no view “{name}”.").format(name=name),
            hint=did_you_mean(name, names, known if names else none, most=3),
        )
    return found


def rename_view(db: Database, name: str, to: str, now: float) -> SavedView:
    """Give a view another name.

    Raises:
        NotFoundError: there is no such view.
        ConflictError: the new name is taken.
    """
    to = check_name(to)
    view = get_view(db, name)
    try:
        with db.atomic():
            db.execute(
                "UPDATE view SET name = ?, updated_at = ? WHERE name = ?", (to, int(now), view.name)
            )
    except sqlite3.IntegrityError:
        raise ConflictError(
            _("There is a view “{name}” already.").format(name=to), hint=_("Choose another name.")
        ) from None
    return SavedView(to, view.filter, view.sort, view.columns, view.created_at, int(now))


def delete_view(db: Database, name: str) -> SavedView:
    """Take a view away.

    Raises:
        NotFoundError: there is no such view.
    """
    view = get_view(db, name)
    with db.atomic():
        db.execute("DELETE FROM view WHERE name = ?", (view.name,))
    return view


def _find(db: Database, name: str) -> SavedView | None:
    row = db.execute(
        "SELECT name, filter, sort, columns, created_at, updated_at FROM view WHERE name = ?",
        (name,),
    ).fetchone()
    return _view(row) if row else None


def _view(row: Sequence[object]) -> SavedView:
    name, text, sort, columns, created, updated = row
    return SavedView(
        str(name), str(text), str(sort), tuple(json.loads(str(columns))), int(str(created)),
        int(str(updated)),
    )  # fmt: skip
