"""Tags on follows: what the machinery of changes needs to know of mark_tag (doc 92118)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storeops.changes import relations
from storeops.changes.action import (
    DONE,
    FAILED,
    QUEUED,
    READY,
    VANISHED,
    Call,
    Row,
    RowAnswer,
    Verdict,
    View,
    blocked,
)
from storeops.changes.relations import Relation
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _
from storeops.mirror.tag_names import CORP_TAG, TagNames
from storeops.wecom.errcodes import Condition
from storeops.wecom.errors import says

TAGS_PER_FOLLOW = 3000
# the customer, or the relation, is not there any more
GONE = (Condition.NO_RELATION, Condition.NOT_VISIBLE)


class TagAction:
    """Set and take off corp tags, one call per follow.

    A row's `extra` holds `add` and `remove`: only tags whose state really changes. `before` and
    `after` hold which of just these tags are on the follow, so that other people's other tags
    make no row stale.
    """

    name = "tag"
    title = N_("tags")
    path = "externalcontact/mark_tag"
    repeat_safe = True

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """Which of the row's tags are on the follow now."""
        found = relations.by_pairs(view.db, [(row.userid, row.external_userid) for row in rows])
        tags = relations.tags_of(view.db, [each.follow_id for each in found if each is not None])
        return [
            {"tags": sorted(_concerned(row) & tags[each.follow_id]) if each else []}
            for row, each in zip(rows, found, strict=True)
        ]

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """Relation, tag and room for it."""
        found = relations.by_pairs(view.db, [(row.userid, row.external_userid) for row in rows])
        return self.verdicts(view.db, rows, found)

    def verdicts(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Verdict]:
        """`check` for relations that were read already."""
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
        """Each row's wish from what its follow looks like now; None where it is so already."""
        tags = relations.tags_of(db, [relation.follow_id for _row, relation in pairs])
        return [
            tag_row(row.row, relation, tags[relation.follow_id],
                    row.extra["add"], row.extra["remove"])
            for row, relation in pairs
        ]  # fmt: skip

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """One call per follow."""
        return [(row,) for row in rows]

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """mark_tag for one follow; WeCom takes one writer per customer (45035)."""
        (row,) = rows
        payload = {
            "userid": row.userid,
            "external_userid": row.external_userid,
            "add": row.extra["add"],
            "remove": row.extra["remove"],
        }
        return Call(rows, payload, (f"customer:{row.external_userid}",))

    def send(self, client: Any, call: Call) -> Any:
        """Mark the tags."""
        from storeops.wecom import tags  # httpx is loaded by then

        tags.mark(client, **call.payload)

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowAnswer]:
        """Done, vanished or failed."""
        return [refused_or_done(call.rows[0], error)]

    def read_back(self, client: Any, call: Call) -> list[RowAnswer]:
        """Look whether the follow has the tags as wished."""
        (row,) = call.rows
        follow = read_follow(client, row, "tags")
        if isinstance(follow, RowAnswer):
            return [follow]
        present = {tag.tag_id for tag in follow.tags if tag.tag_id}
        happened = present >= set(row.extra["add"]) and not present & set(row.extra["remove"])
        return [RowAnswer(row.row, DONE if happened else QUEUED)]

    def facts(
        self, db: Database, answered: Sequence[tuple[Row, RowAnswer]], ref: str, now: int
    ) -> None:
        """Tags that are marked now."""
        from storeops.mirror import facts

        for row, answer in answered:
            if answer.status == DONE:
                facts.follow_tags_changed(
                    db,
                    row.userid,
                    row.external_userid,
                    add=row.extra["add"],
                    remove=row.extra["remove"],
                    source="job",
                    ref=ref,
                    now=now,
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


def refused_or_done(row: Row, error: StoreOpsError | None) -> RowAnswer:
    """The answer of a call about one follow."""
    if error is None:
        return RowAnswer(row.row, DONE, 0)
    status = VANISHED if says(error, *GONE) else FAILED
    meaning = "" if error.errcode else error.message
    return RowAnswer(
        row.row, status, error.errcode, meaning, "" if error.errcode else error.hint,
        error.retryable,
    )  # fmt: skip


def read_follow(client: Any, row: Row, *fields: str) -> Any:
    """What WeCom says about one follow: its follow_user, or the answer that there is none.

    Raises:
        AnswerError: the follow, or one of the `fields` of it, cannot be read.
        StoreOpsError: no answer, or a refusal that says nothing about the follow.
    """
    from storeops.wecom import customers
    from storeops.wecom.errors import WeComError
    from storeops.wecom.failures import lost_row, unread_fields
    from storeops.wecom.oddities import collecting_lost

    try:
        with collecting_lost() as lost:
            customer = customers.get(client, row.external_userid)
    except WeComError as error:
        if says(error, *GONE):
            return RowAnswer(row.row, VANISHED, error.errcode)
        raise
    for follow in customer.follow_user:
        if follow.userid.lower() == row.userid.lower():
            if unread := set(fields) & set(follow.unread):
                raise unread_fields(row.userid, row.external_userid, sorted(unread))
            return follow
    for each in lost:
        if each.may_be(userid=row.userid):
            raise lost_row(each)  # it may be this one
    return RowAnswer(row.row, VANISHED, 84061)


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
