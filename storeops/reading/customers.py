"""Looking at customers: choose them by filter and shorthands, list, show, remember, note.

The filter language is `storeops/reading/filter.py`; here it meets the notebook (shop codes, views)
and the profile's own shop.
"""

from __future__ import annotations

from collections.abc import Container, Iterator
from dataclasses import dataclass
from typing import Any

from storeops.database.database import Database
from storeops.domain import card_sections
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.notebook import notes, stores, views
from storeops.plain import mask_phone, mask_phones
from storeops.reading.filter import (
    And,
    FieldTerm,
    Node,
    Not,
    Or,
    Word,
    conjunction,
    negation,
    one_of,
    parse,
)
from storeops.reading.filter_names import Names
from storeops.reading.query import CustomerQuery
from storeops.reading.query_rows import CustomerRows

EVERY_STORE = "all"


@dataclass(frozen=True, slots=True)
class Selection:
    """Which customers: a filter and the shorthands of the command line, all of which must hold.

    Attributes:
        where: text of the filter language.
        view: name of a saved view, "" for none.
        words: text to find, each as it is (not read as a filter).
        store, owner, tag, status, state, way: one of these values each, as in the language.
        no_tag: no follow has any of these tags; `*` any tag at all.
        since, until: dates of the language, "" for none.
        mark: name of a mark, "" for none.
        ids: only these external_userids; None for everybody.
    """

    where: str = ""
    view: str = ""
    words: tuple[str, ...] = ()
    store: tuple[str, ...] = ()
    owner: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    no_tag: tuple[str, ...] = ()
    status: tuple[str, ...] = ()
    state: tuple[str, ...] = ()
    way: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    mark: str = ""
    ids: tuple[str, ...] | None = None


def selection_node(db: Database, selection: Selection) -> Node:
    """The filter that a selection means.

    Args:
        db: data.db, for views.
        selection: what was asked for.

    Raises:
        FilterError: something is not understood.
        NotFoundError: there is no such view.
    """
    parts: list[Node] = []
    if selection.view:
        parts.append(parse(views.get_view(db, selection.view).filter))
    if selection.where:
        parts.append(parse(selection.where))
    parts += [Word(word) for word in selection.words if word.strip()]
    shops = tuple(each for each in selection.store if each.casefold() != EVERY_STORE)
    if shops:
        parts.append(one_of("store", shops, "--store"))
    for key in ("owner", "tag", "status", "state", "way"):
        values: tuple[str, ...] = getattr(selection, key)
        if values:
            parts.append(one_of(key, values, f"--{key}"))
    if selection.no_tag:
        parts.append(negation(one_of("tag", selection.no_tag, "--no-tag")))  # `*`: any tag at all
    for key in ("since", "until", "mark"):
        value: str = getattr(selection, key)
        if value:
            parts.append(one_of(key, (value,), f"--{key}"))
    if selection.ids is not None:
        parts.append(FieldTerm("id", selection.ids or ("",)))  # nobody has none
    return conjunction(parts)


def names_store(node: Node) -> bool:
    """Whether a filter says anything about stores."""
    if isinstance(node, And | Or):
        return any(names_store(each) for each in node.items)
    if isinstance(node, Not):
        return names_store(node.item)
    return isinstance(node, FieldTerm) and node.key == "store"


def names_of(db: Database) -> Names:
    """Look-up of owners, shops (with the notebook's codes), tags and group chats."""
    return Names(db.connection, stores.list_shops(db))


def open_query(
    db: Database, where: str | Node, *, now: float, sort: str = "newest"
) -> CustomerQuery:
    """A query that knows the notebook; see `storeops.reading.query.CustomerQuery`.

    Raises:
        FilterError: the filter is not understood, or names nobody.
    """
    return CustomerQuery(db, where, sort=sort, names=names_of(db), now=now)


def rows_of(
    db: Database, *, reveal: bool = False, columns: Container[str] | None = None
) -> CustomerRows:
    """Loads the rows of a page, shops by the notebook's names, phones masked unless `reveal`.

    Args:
        db: data.db.
        reveal: phone numbers in full.
        columns: keys of the columns of domains that are read; None for all.
    """
    shops = {each.department_id: each.name for each in stores.list_shops(db) if each.name}
    return CustomerRows(db, shops, None if reveal else (mask_phone, mask_phones), columns)


def stream(
    query: CustomerQuery, rows: CustomerRows, limit: int | None, after: str = ""
) -> tuple[Iterator[dict[str, Any]], str | None]:
    """The rows of a list, lazily, and the cursor of what follows.

    Args:
        query: which and in which order.
        rows: how they are loaded.
        limit: at most so many; None for all, in batches of 1,000 at flat memory.
        after: cursor of an earlier list.

    Raises:
        UsageError: the cursor does not belong to this list.
    """
    start = query.key(after)
    if limit is None:
        return _all(query, rows, start), None
    page = query.page(start, limit)
    return iter(rows.load(page.ids)), query.cursor(page.next)


def _all(query: CustomerQuery, rows: CustomerRows, start: Any) -> Iterator[dict[str, Any]]:
    for batch in query.keys(after=start):
        yield from rows.load([key[1] for key in batch])


def find_customer(db: Database, who: str, now: float) -> tuple[int, str]:
    """The one customer that `who` means: an external_userid, its beginning, or words of a search.

    Returns:
        (customer.id, external_userid).

    Raises:
        NotFoundError: nobody.
        UsageError: more than one; the first five are named.
    """
    row = db.execute(
        "SELECT id, external_userid FROM customer WHERE external_userid = ?", (who,)
    ).fetchone()
    if row:
        return row[0], row[1]
    page = open_query(db, Word(who), now=now).page(limit=5) if who.strip() else None
    if page is None or not page.keys:
        raise NotFoundError(
            _("No customer is “{who}”.").format(who=who),
            hint=_(
                "Any part of name, remark, pinyin or phone will do; `storeops sync run` reads who"
                " is new."
            ),
            next_steps=["storeops customer list"],
        )
    found = CustomerRows(db).load(page.ids)
    if len(found) > 1:
        import shlex

        names = _("; ").join(f"{each['external_userid']} {each['name']}" for each in found)
        raise UsageError(
            _("“{who}” means more than one customer: {names}").format(who=who, names=names),
            hint=_("Give the external_userid of the one you mean."),
            next_steps=[f"storeops customer search {shlex.quote(who)}"],
        )
    return page.ids[0], str(found[0]["external_userid"])


def show_customer(db: Database, who: str, *, now: float, reveal: bool = False) -> dict[str, Any]:
    """Everything about one customer: the row, its notes, its group chats.

    Raises:
        NotFoundError, UsageError: as `find_customer`.
    """
    key, external_userid = find_customer(db, who, now)
    row = rows_of(db, reveal=reveal).load([key])[0]
    groups = db.execute(
        "SELECT g.chat_id, g.name, m.join_time FROM group_member m"
        " JOIN group_chat g ON g.id = m.group_id WHERE m.member = ? ORDER BY m.join_time",
        (external_userid,),
    )
    row["groups"] = [
        {"chat_id": chat, "name": name, "join_time": joined} for chat, name, joined in groups
    ]
    hide = (lambda text: text) if reveal else mask_phones
    row["notes"] = [
        {"id": each.id, "at": each.at, "author": each.author, "text": hide(each.text)}
        for each in notes.notes_of(db, external_userid)
    ]
    row["sections"] = {
        name: {"title": section.title, "lines": [list(each) for each in section.lines],
               "data": section.data}
        for name, section in card_sections(db, key, now)
    }  # fmt: skip
    return row


def timeline_of(
    db: Database, who: str, *, now: float, limit: int, reveal: bool = False
) -> list[dict[str, Any]]:
    """What happened to one customer, newest first: changes of facts and notes.

    Raises:
        NotFoundError, UsageError: as `find_customer`.
    """
    from storeops.mirror import timeline

    _key, external_userid = find_customer(db, who, now)
    found: list[dict[str, Any]] = [
        {
            "at": each.at,
            "source": each.source,
            "ref": each.ref,
            "userid": each.userid or "",
            "field": each.field,
            "before": each.before,
            "after": each.after,
        }
        for entry in timeline.of_customer(db, external_userid, limit=limit)
        for each in [entry if reveal else entry.masked()]
    ]
    found += [
        {
            "at": each.at,
            "source": "note",
            "ref": str(each.id),
            "userid": each.author,
            "field": "note",
            "before": None,
            "after": each.text if reveal else mask_phones(each.text),
        }
        for each in notes.notes_of(db, external_userid)
    ]
    return sorted(found, key=lambda each: -each["at"])[:limit]
