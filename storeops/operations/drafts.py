"""Drafts of tags and remarks: what marks on a screen become before anybody reviews them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from storeops.changes import drafts
from storeops.changes.drafts import freeze, remove
from storeops.changes.ledger import Ledger
from storeops.changes.plans import Plan
from storeops.jobs.action import Row
from storeops.mirror.tag_names import TagNames
from storeops.operations import relations
from storeops.operations.tagging import TagAction, tag_row
from storeops.operations.wishes import Chosen

__all__ = ["draft_remarks", "draft_tags", "freeze", "remove"]


def draft_tags(
    ledger: Ledger, chosen: Chosen, *, add: Sequence[str] = (), remove: Sequence[str] = ()
) -> tuple[Plan, int]:
    """Add tag changes to the open draft: (the draft, how many follows changed in it).

    A later wish about the same follow joins the earlier one; the opposite wish takes it back.

    Args:
        ledger: the profile's ledger.
        chosen: the follows.
        add: tags to set, as people write them.
        remove: tags to take off.

    Raises:
        UsageError, NotFoundError: a tag is not found or ambiguous.
    """
    names = TagNames(ledger.db)
    plus = [tag.tag_id for tag in names.find_all(add)]
    minus = [tag.tag_id for tag in names.find_all(remove)]
    present = relations.tags_of(ledger.db, [each.follow_id for each in chosen.relations])
    rows: list[Row] = []
    for relation in chosen.relations:
        row = tag_row(len(rows) + 1, relation, present[relation.follow_id], plus, minus)
        if row is not None:
            rows.append(row)
        elif plus or minus:  # it is so already: only takes back an earlier wish
            rows.append(
                Row(0, relation.external_userid, relation.userid,
                    extra={"add": [], "remove": [], "plus": plus, "minus": minus})
            )  # fmt: skip
    draft = drafts.find(ledger, TagAction.name)
    known = set() if draft is None else _subjects(ledger, draft)
    rows = [row for row in rows if row.extra["add"] or row.extra["remove"] or row.key in known]
    plan = drafts.put(ledger, TagAction.name, rows, _join_tags)
    return plan, len(rows)


def draft_remarks(ledger: Ledger, chosen: Chosen, values: Mapping[str, Any]) -> tuple[Plan, int]:
    """Add changes of remarks to the open draft: (the draft, how many follows it concerns).

    Args:
        ledger: the profile's ledger.
        chosen: the follows.
        values: remark, description, remark_company, remark_mobiles, as `remark plan` takes them.
    """
    from storeops.operations.remark_plan import remark_rows

    rows, _kept, _problems, _already = remark_rows(ledger, chosen, values)
    return drafts.put(ledger, "remark", rows, _join_remarks), len(rows)


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


def _join_remarks(old: Row, new: Row) -> Row:
    return replace(
        new,
        before={**old.before, **new.before},
        after={**old.after, **new.after},
        extra={**old.extra, **new.extra},
    )
