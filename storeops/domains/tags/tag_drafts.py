"""Drafts of tags: what marks on a screen become before anybody reviews them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from storeops.changes import drafts, relations
from storeops.changes.action import Row
from storeops.changes.follow_requests import SelectedFollows
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.domains.tags.tagging import TagAction, tag_row
from storeops.mirror.tag_names import TagNames


def draft_tags(
    ledger: Ledger,
    selected: SelectedFollows,
    *,
    add: Sequence[str] = (),
    remove: Sequence[str] = (),
) -> tuple[Plan, int]:
    """Add tag changes to the open draft: (the draft, how many follows changed in it).

    A later request about the same follow joins the earlier one; the opposite request takes it back.

    Args:
        ledger: the profile's ledger.
        selected: the follows.
        add: tags to set, as people write them.
        remove: tags to take off.

    Raises:
        UsageError, NotFoundError: a tag is not found or ambiguous.
    """
    names = TagNames(ledger.db)
    plus = [tag.tag_id for tag in names.find_all(add)]
    minus = [tag.tag_id for tag in names.find_all(remove)]
    present = relations.tags_of(ledger.db, [each.follow_id for each in selected.relations])
    rows: list[Row] = []
    for relation in selected.relations:
        row = tag_row(len(rows) + 1, relation, present[relation.follow_id], plus, minus)
        if row is not None:
            rows.append(row)
        elif plus or minus:  # it is so already: only takes back an earlier request
            rows.append(
                Row(0, relation.external_userid, relation.userid,
                    extra={"add": [], "remove": [], "plus": plus, "minus": minus})
            )  # fmt: skip
    draft = drafts.find(ledger, TagAction.name)
    known = set() if draft is None else _subjects(ledger, draft)
    rows = [row for row in rows if row.extra["add"] or row.extra["remove"] or row.key in known]
    plan = drafts.put(ledger, TagAction.name, rows, _join_tags)
    return plan, len(rows)


def _subjects(ledger: Ledger, draft: Plan) -> set[str]:
    found = ledger.db.execute("SELECT subject FROM plan_row WHERE plan_id = ?", (draft.id,))
    return {row[0] for row in found}


def _join_tags(old: Row, new: Row) -> Row | None:
    wanted = {*new.extra["add"], *new.extra.get("plus", ())}
    unwanted = {*new.extra["remove"], *new.extra.get("minus", ())}
    add = (set(old.extra["add"]) - unwanted) | set(new.extra["add"])
    off = (set(old.extra["remove"]) - wanted) | set(new.extra["remove"])
    if not add and not off:
        return None
    plus, minus = sorted(add), sorted(off)
    return replace(
        old,
        before={"tags": minus},
        after={"tags": plus},
        extra={"add": plus, "remove": minus},
    )
