"""Remark, description, company and mobiles of a follow (doc 92115)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from storeops.changes import relations
from storeops.changes.action import READY, Call, Row, Verdict, View, blocked
from storeops.changes.follow_action import FollowAction, follows_of
from storeops.changes.relations import Relation
from storeops.database.database import Database
from storeops.i18n import N_, _

TEXTS = ("remark", "description", "remark_company")
FIELDS = (*TEXTS, "remark_mobiles")
LIMITS = {"remark": 20, "description": 150, "remark_company": 20}  # characters
WECHAT_USER = 1


class RemarkAction(FollowAction):
    """Write what one member notes about one customer, one call per follow.

    `before` and `after` hold only the fields that change. WeCom refuses a call whose fields are
    all empty (40058); such a row goes out together with a field that keeps its value, or is
    blocked.
    """

    name = "remark"
    title = N_("remarks")
    path = "externalcontact/remark"
    fields = ("remark", "description", "remark_corp_name", "remark_mobiles")

    def present(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Mapping[str, Any]]:
        """The fields' values now."""
        return [
            {key: value for key, value in values_of(each).items() if key in row.before}
            if each is not None
            else {}
            for row, each in zip(rows, found, strict=True)
        ]

    def verdicts(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Verdict]:
        """Relation, lengths, and whether the fields may be emptied."""
        return [verdict(row, each) for row, each in zip(rows, found, strict=True)]

    def renew(self, db: Database, pairs: Sequence[tuple[Row, Relation]]) -> list[Row | None]:
        """Each row's request from what its follow looks like now; None where it is so already."""
        return [remark_row(row.row, relation, row.after) for row, relation in pairs]

    def body(self, row: Row) -> Mapping[str, Any]:
        """The fields that change, and the one that goes along."""
        return {**row.extra.get("carry", {}), **row.after}

    def send(self, client: Any, call: Call) -> Any:
        """Write the fields."""
        from storeops.wecom import customers  # httpx is loaded by then

        customers.remark(client, **call.payload)

    def happened(self, row: Row, follow: Any) -> bool:
        """Whether the fields read as wished."""
        from storeops.wecom.failures import in_halves, unread_fields

        present = {
            "remark": follow.remark,
            "description": follow.description,
            "remark_company": follow.remark_corp_name,
            "remark_mobiles": list(follow.remark_mobiles),
        }
        differing = [key for key, value in row.after.items() if present[key] != value]
        if in_halves(*(present[key] for key in differing)):
            raise unread_fields(row.userid, row.external_userid, differing)
        return not differing

    def keep(self, db: Database, row: Row, ref: str, now: int) -> None:
        """What is written now."""
        from storeops.mirror import facts

        facts.remark_changed(
            db, row.userid, row.external_userid, **row.after, source="job", ref=ref, now=now
        )

    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """Write the old values, field by field, where the new ones still stand."""
        found = follows_of(view.db, rows)
        return self.name, [
            _inverse(number, row, relation)
            for number, (row, relation) in enumerate(zip(rows, found, strict=True), start=1)
        ]


def values_of(relation: Relation) -> dict[str, Any]:
    """The four fields of a follow under WeCom's names for writing."""
    return {
        "remark": relation.remark,
        "description": relation.description,
        "remark_company": relation.company,
        "remark_mobiles": json.loads(relation.mobiles),
    }


def remark_row(number: int, relation: Relation, wanted: Mapping[str, Any]) -> Row | None:
    """The row that writes `wanted` fields; None when they are so already.

    Args:
        number: row number.
        relation: the follow.
        wanted: remark, description, remark_company (text), remark_mobiles (list).
    """
    present = values_of(relation)
    after = {key: value for key, value in wanted.items() if present[key] != value}
    if not after:
        return None
    before = {key: present[key] for key in after}
    extra: dict[str, Any] = {}
    if not any(after[key] for key in after) and "remark_mobiles" not in after:
        # "" alone is refused; a field that is not empty goes along unchanged
        keep = next((key for key in FIELDS if present[key] and key not in after), None)
        if keep is not None:
            extra["carry"] = {keep: present[keep]}
        else:
            extra["all_empty"] = True
    return Row(
        number, relation.external_userid, relation.userid, before=before, after=after, extra=extra
    )


def verdict(row: Row, relation: Relation | None) -> Verdict:
    """Whether WeCom would take the row."""
    found = relations.writable(relation)
    if not found.ready:
        return found
    for key, limit in LIMITS.items():
        text = str(row.after.get(key, ""))
        if len(text) > limit:
            return blocked(
                "too_long",
                _("{field}: {count} characters, {limit} are allowed: {text}").format(
                    field=key, count=len(text), limit=limit, text=text
                ),
                errcode=40058,
                way_out=_("Shorten the text, or let it be cut: --cut"),
            )
    if row.extra.get("all_empty"):
        return blocked(
            "all_empty",
            _("WeCom does not take a call that leaves every field of the remark empty."),
            errcode=40058,
            way_out=_("Give another field a text, or clear it by hand in the client."),
        )
    if relation is not None and relation.type != WECHAT_USER and row.after.get("remark_company"):
        return blocked(
            "company_of_wecom_user",
            _("WeCom takes a company only for WeChat users; this customer is a WeCom user."),
            errcode=40058,
            way_out=_("Leave the company out for these customers: --where type:wechat"),
        )
    return READY


def _inverse(number: int, row: Row, relation: Relation | None) -> tuple[Row, Verdict]:
    present = values_of(relation) if relation is not None else {}
    still = {key: row.before[key] for key in row.after if present.get(key) == row.after[key]}
    if relation is None or not still:
        empty = Row(number, row.external_userid, row.userid, extra={"undoes": row.row})
        if relation is None:
            return empty, relations.writable(None)
        return empty, blocked(
            "changed_since", _("Somebody has written something else since; it stays.")
        )
    inverse = remark_row(number, relation, still)
    assert inverse is not None  # still differs from what was before
    extra = {**inverse.extra, "undoes": row.row}
    if len(still) < len(row.after):
        extra["partly"] = True
    full = Row(
        number, row.external_userid, row.userid,
        before=inverse.before, after=inverse.after, extra=extra,
    )  # fmt: skip
    return full, verdict(full, relation)
