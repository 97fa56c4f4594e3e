"""Rows of a plan as a list shows them: what holds it up first, before and after, answer."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from storeops.i18n import _
from storeops.times import minute, second
from tui import plan_words
from tui.cells import shown
from tui.fields import fields
from tui.widgets.rows import Column, Count, Line, Window

if TYPE_CHECKING:
    from storeops.changes.answers import Result
    from storeops.changes.plan_words import Words
    from storeops.database.database import Database


def columns() -> list[Column]:
    """The columns of a plan's rows."""
    return [
        Column("row", _("Row"), 4, right=True, keep=6),
        Column("status", _("Status"), 12, keep=9),
        Column("name", _("Customer"), 12, 3, keep=8),
        Column("member", _("Member"), 8, 2, keep=4),
        Column("before", _("Before"), 10, 3, keep=5),
        Column("after", _("After"), 10, 4, keep=7),
        Column("why", _("Why"), 13, 6, keep=5),
    ]


class PlanRows:
    """Source of a plan's rows by position (`tui.widgets.rows.RowSource`).

    Args:
        db: data.db.
        plan_id: plan.id.
        statuses: only these; all when empty.
        chosen: numbers of rows that carry a mark.
    """

    def __init__(
        self, db: Database, plan_id: int, statuses: Sequence[str], chosen: set[int]
    ) -> None:
        self.db = db
        self.plan_id = plan_id
        self.statuses = tuple(statuses)
        self.chosen = chosen
        self._words: Words | None = None

    @property
    def words(self) -> Words:
        """Names of tags and members, looked up once."""
        from storeops.changes.plan_words import Words

        if self._words is None:
            self._words = Words(self.db)
        return self._words

    def window(self, start: int, count: int) -> Window:
        """Rows from `start` on."""
        from storeops.changes.plan_listing import window

        lines = [
            self._line(each) for each in window(self.db, self.plan_id, self.statuses, start, count)
        ]
        marked: frozenset[Hashable] = frozenset(
            line.key for line in lines if line.key in self.chosen
        )
        return Window(start, lines, marked)

    def count(self, cap: int | None) -> Count:
        """All rows."""
        from storeops.changes.plan_listing import count

        return Count(count(self.db, self.plan_id, self.statuses))

    def find(self, key: Hashable, near: int) -> int | None:
        """Where a row is; a row hardly ever moves."""
        start = max(0, near - 50)
        for at, line in enumerate(self.window(start, 101).lines):
            if line.key == key:
                return start + at
        return None

    def stop(self, *, counting: bool) -> None:
        """Reads are short."""

    def _line(self, result: Result) -> Line:
        words = self.words.of(result)
        return Line(
            result.row,
            (
                str(result.row),
                plan_words.row_status(result.status),
                shown(words["name"]),
                shown(words["staff_name"]),
                shown(words["before_text"]),
                shown(words["after_text"]),
                shown(words["why"]),
            ),
            plan_words.tone(result.status),
            (result, words),
        )


def detail(line: Line) -> Content:
    """Everything about one row."""
    found: tuple[Result, dict[str, Any]] = line.data  # type: ignore[assignment]
    result, words = found
    rows = [
        (_("Status"), plan_words.row_status(result.status)),
        (_("Customer"), f"{words['name']} ({result.external_userid})" if result.external_userid
         else words["name"]),
        (_("Member"), f"{words['staff_name']} ({result.userid})" if result.userid else ""),
        (_("Before"), words["before_text"]),
        (_("After"), words["after_text"]),
        (_("Code"), str(result.errcode) if result.errcode else ""),
        (_("Meaning"), result.meaning),
        (_("Next step"), result.next_step),
        (_("Possible from"), minute(result.retry_at)),
        (_("Answer due"), minute(result.due_at)),
        (_("When"), second(result.at) if result.at else ""),
        (_("Job"), str(result.job_id) if result.job_id else ""),
        *((key, str(value)) for key, value in result.answer.items() if value not in ("", None)),
    ]  # fmt: skip
    return fields("", rows)
