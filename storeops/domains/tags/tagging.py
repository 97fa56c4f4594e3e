"""Tags on follows: what the machinery of changes needs to know of mark_tag (doc 92118)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storeops.changes import relations
from storeops.changes.action import READY, Call, Row, Verdict, View, blocked
from storeops.changes.follow_action import FollowAction
from storeops.changes.relations import Relation
from storeops.database.database import Database
from storeops.i18n import N_, _
from storeops.mirror.tag_names import CORP_TAG, TagNames

TAGS_PER_FOLLOW = 3000


class TagAction(FollowAction):
    """Set and take off corp tags, one call per follow.

    A row's `extra` holds `add` and `remove`: only tags whose state really changes. `before` and
    `after` hold which of just these tags are on the follow, so that other people's other tags
    make no row stale.
    """

    name = "tag"
    title = N_("tags")
    path = "externalcontact/mark_tag"
    fields = ("tags",)

    def present(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Mapping[str, Any]]:
        """Which of the row's tags are on the follow now."""
        tags = relations.tags_of(db, [each.follow_id for each in found if each is not None])
        return [
            {"tags": sorted(_concerned(row) & tags[each.follow_id]) if each else []}
            for row, each in zip(rows, found, strict=True)
        ]

    def verdicts(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Verdict]:
        """Relation, tag and room for it."""
        names = TagNames(db)
        wanted = {tag for row in rows for tag in _concerned(row)}
        bad = {tag: verdict for tag in wanted if not (verdict := _usable(names, tag)).ready}
        crowded = _crowded(db, [each.follow_id for each in found if each is not None])
        verdicts = []
        for row, relation in zip(rows, found, strict=True):
            verdict = relations.writable(relation)
            if verdict.ready and bad:
                verdict = next((bad[tag] for tag in _concerned(row) if tag in bad), READY)
            if verdict.ready and relation is not None and relation.follow_id in crowded:
                total = crowded[relation.follow_id] + len(row.extra["add"])
                if total - len(row.extra["remove"]) > TAGS_PER_FOLLOW:
                    verdict = blocked(
                        "too_many_tags",
                        _("A customer can have {limit} tags per member at most.").format(
                            limit=TAGS_PER_FOLLOW
                        ),
                        errcode=40058,
                    )
            verdicts.append(verdict)
        return verdicts

    def renew(self, db: Database, pairs: Sequence[tuple[Row, Relation]]) -> list[Row | None]:
        """Each row's request from what its follow looks like now; None where it is so already."""
        tags = relations.tags_of(db, [relation.follow_id for _row, relation in pairs])
        return [
            tag_row(row.row, relation, tags[relation.follow_id],
                    row.extra["add"], row.extra["remove"])
            for row, relation in pairs
        ]  # fmt: skip

    def body(self, row: Row) -> Mapping[str, Any]:
        """Tags to set and to take off."""
        return {"add": row.extra["add"], "remove": row.extra["remove"]}

    def send(self, client: Any, call: Call) -> Any:
        """Mark the tags."""
        from storeops.wecom import tags  # httpx is loaded by then

        tags.mark(client, **call.payload)

    def happened(self, row: Row, follow: Any) -> bool:
        """Whether the follow has the tags as wished."""
        present = {tag.tag_id for tag in follow.tags if tag.tag_id}
        return present >= set(row.extra["add"]) and not present & set(row.extra["remove"])

    def keep(self, db: Database, row: Row, ref: str, now: int) -> None:
        """Tags that are marked now."""
        from storeops.mirror import facts

        facts.follow_tags_changed(
            db, row.userid, row.external_userid, **self.body(row), source="job", ref=ref, now=now
        )

    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """Take off what was set, set what was taken off, as far as it is still so."""
        present = self.observe(view, rows)
        inverse = [_inverse(row, set(now["tags"])) for row, now in zip(rows, present, strict=True)]
        numbered = [
            Row(
                number, row.external_userid, row.userid,
                before=row.before, after=row.after, extra=row.extra,
            )
            for number, (row, _verdict) in enumerate(inverse, start=1)
        ]  # fmt: skip
        checks = self.check(view, numbered)
        return self.name, [
            (row, verdict if not verdict.ready else check)
            for row, (_old, verdict), check in zip(numbered, inverse, checks, strict=True)
        ]


def tag_row(
    number: int, relation: Relation, present: set[str], add: Iterable[str], remove: Iterable[str]
) -> Row | None:
    """The row that changes a follow's tags; None when it is already so.

    Args:
        number: row number.
        relation: the follow.
        present: WeCom's ids of the tags on it.
        add: tag ids to be set.
        remove: tag ids to be taken off.
    """
    plus = sorted(set(add) - present)
    minus = sorted(set(remove) & present)
    if not plus and not minus:
        return None
    return Row(
        number,
        relation.external_userid,
        relation.userid,
        before={"tags": minus},
        after={"tags": plus},
        extra={"add": plus, "remove": minus},
    )


def _concerned(row: Row) -> set[str]:
    return {*row.extra["add"], *row.extra["remove"]}


def _usable(names: TagNames, tag_id: str) -> Verdict:
    tag = names.tags.get(tag_id)
    if tag is None or tag.deleted:
        return blocked(
            "tag_deleted",
            _("The tag {tag} was deleted in WeCom.").format(tag=tag.path if tag else tag_id),
            errcode=40068,
            way_out=_("Choose another tag: storeops tag list"),
        )
    if tag.kind != CORP_TAG:
        return blocked(
            "strategy_tag",
            _("The tag {tag} belongs to a rule group; apps may not mark it.").format(tag=tag.path),
            errcode=40068,
        )
    return READY


def _crowded(db: Database, follows: Sequence[int]) -> dict[int, int]:
    """Follows that are near the limit of tags, with their number of tags."""
    return {
        follow: len(tags)
        for follow, tags in relations.tags_of(db, follows).items()
        if len(tags) > TAGS_PER_FOLLOW // 2
    }


def _inverse(row: Row, present: set[str]) -> tuple[Row, Verdict]:
    added, removed = set(row.extra["add"]), set(row.extra["remove"])
    minus, plus = sorted(added & present), sorted(removed - present)
    partly = len(minus) + len(plus) < len(added) + len(removed)
    extra: dict[str, Any] = {"add": plus, "remove": minus, "undoes": row.row}
    verdict = READY
    if partly:
        extra["partly"] = True
    if not minus and not plus:
        verdict = blocked(
            "changed_since", _("Somebody has put this back already; nothing is left to undo.")
        )
    inverse = Row(
        row.row, row.external_userid, row.userid,
        before={"tags": minus}, after={"tags": plus}, extra=extra,
    )  # fmt: skip
    return inverse, verdict
