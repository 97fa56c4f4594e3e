"""What Actions with one call a follow have in common, and what WeCom's answers mean to them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from storeops.changes import relations
from storeops.changes.action import (
    DONE,
    FAILED,
    QUEUED,
    VANISHED,
    Call,
    Row,
    RowResult,
    Verdict,
    View,
)
from storeops.changes.relations import Relation
from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.wecom.errcodes import ErrorCondition
from storeops.wecom.errors import has_condition

# the customer, or the relation, is not there any more
GONE = (ErrorCondition.NO_RELATION, ErrorCondition.NOT_VISIBLE)


class FollowAction(ABC):
    """An Action whose row is one follow and one call.

    Attributes:
        name, path: as of every Action.
        title: what its plans are about.
        fields: of WeCom's follow_user, which must be read to know how a call ended.
    """

    name: str
    path: str
    title: str
    fields: ClassVar[Sequence[str]]

    @abstractmethod
    def present(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Mapping[str, Any]]:
        """`observe` for follows that were read already; {} or empty values where there is none."""

    @abstractmethod
    def verdicts(
        self, db: Database, rows: Sequence[Row], found: Sequence[Relation | None]
    ) -> list[Verdict]:
        """`check` for follows that were read already."""

    @abstractmethod
    def body(self, row: Row) -> Mapping[str, Any]:
        """What a call says beside the follow's two ids."""

    @abstractmethod
    def happened(self, row: Row, follow: Any) -> bool:
        """Whether WeCom's follow_user is as the row wished.

        Raises:
            ResponseError: it cannot be told.
        """

    @abstractmethod
    def keep(self, db: Database, row: Row, ref: str, now: int) -> None:
        """Write a done row to the mirror."""

    @abstractmethod
    def send(self, client: Any, call: Call) -> Any:
        """Do it."""

    @abstractmethod
    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """How to put done rows back."""

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """What the mirror knows of the follows now."""
        return self.present(view.db, rows, follows_of(view.db, rows))

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """A verdict per row."""
        return self.verdicts(view.db, rows, follows_of(view.db, rows))

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """One call per follow."""
        return [(row,) for row in rows]

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """The call of one follow; WeCom takes one writer per customer (45035)."""
        (row,) = rows
        payload = {
            "userid": row.userid, "external_userid": row.external_userid, **self.body(row),
        }  # fmt: skip
        return Call(rows, payload, (f"customer:{row.external_userid}",))

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowResult]:
        """Done, vanished or failed."""
        (row,) = call.rows
        if error is None:
            return [RowResult(row.row, DONE, 0)]
        return [
            RowResult(
                row.row,
                VANISHED if has_condition(error, *GONE) else FAILED,
                error.errcode,
                *(("", "") if error.errcode else error.to_keep),
                retryable=error.retryable,
            )
        ]

    def read_back(self, client: Any, call: Call) -> list[RowResult]:
        """Look whether the follow is as wished."""
        (row,) = call.rows
        follow = read_follow(client, row, *self.fields)
        if isinstance(follow, RowResult):
            return [follow]
        return [RowResult(row.row, DONE if self.happened(row, follow) else QUEUED)]

    def facts(
        self, db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """What is done is a fact now."""
        for row, answer in results:
            if answer.status == DONE:
                self.keep(db, row, ref, now)


def follows_of(db: Database, rows: Sequence[Row]) -> list[Relation | None]:
    """The follow of each row, None where the mirror knows none."""
    return relations.by_pairs(db, [(row.userid, row.external_userid) for row in rows])


def read_follow(client: Any, row: Row, *fields: str) -> Any:
    """What WeCom says about one follow: its follow_user, or the answer that there is none.

    Raises:
        ResponseError: the follow, or one of the `fields` of it, cannot be read.
        StoreOpsError: no answer, or a refusal that says nothing about the follow.
    """
    from storeops.wecom import customers  # httpx is loaded by then
    from storeops.wecom.errors import WeComError
    from storeops.wecom.failures import lost_row, unread_fields
    from storeops.wecom.oddities import collecting_lost

    try:
        with collecting_lost() as lost:
            customer = customers.get(client, row.external_userid)
    except WeComError as error:
        if has_condition(error, *GONE):
            return RowResult(row.row, VANISHED, error.errcode)
        raise
    for follow in customer.follow_user:
        if follow.userid.lower() == row.userid.lower():
            if unread := set(fields) & set(follow.unread):
                raise unread_fields(row.userid, row.external_userid, sorted(unread))
            return follow
    for each in lost:
        if each.may_be(userid=row.userid):
            raise lost_row(each)  # it may be this one
    return RowResult(row.row, VANISHED, 84061)
