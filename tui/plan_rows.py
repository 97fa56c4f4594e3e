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
from tui.widgets.rows import Line, ListColumn, RowCount, Window

if TYPE_CHECKING:
    from storeops.changes.plan_words import Words
    from storeops.changes.row_results import Result
    from storeops.database.database import Database


def columns() -> list[ListColumn]:
    """The columns of a plan's rows."""
    return [
        ListColumn("row", _("Row"), 5, right=True, keep=6, fit=True, tone="dim"),
        ListColumn("status", _("Status"), 12, keep=9, fit=True),
        ListColumn("name", _("Customer"), 12, keep=8, fit=True),
        ListColumn("member", _("Member"), 8, keep=4, fit=True),
        ListColumn("change", _("Change"), 18, 3, keep=7, fit=True),
        ListColumn("why", _("Why"), 13, 6, keep=5, fit=True),
    ]


class PlanRows:
    """Source of a plan's rows by position (`tui.widgets.rows.RowSource`).

    Args:
        db: data.db.
        plan_id: plan.id.
        statuses: only these; all when empty.
        chosen: numbers of rows that carry a mark.
        text: words that the names of customer and member must hold.
    """

    def __init__(
        self,
        db: Database,
        plan_id: int,
        statuses: Sequence[str],
        chosen: set[int],
        text: str = "",
    ) -> None:
        self.db = db
        self.plan_id = plan_id
        self.statuses = tuple(statuses)
        self.text_words = tuple(text.split())
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
            self._line(each)
            for each in window(self.db, self.plan_id, self.statuses, start, count, self.text_words)
        ]
        marked: frozenset[Hashable] = frozenset(
            line.key for line in lines if line.key in self.chosen
        )
        return Window(start, lines, marked)

    def count(self, cap: int | None) -> RowCount:
        """All rows."""
        from storeops.changes.plan_listing import count

        return RowCount(count(self.db, self.plan_id, self.statuses, self.text_words))

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
        pieces = [(shown(text), tone) for text, tone in self.words.change(result)]
        return Line(
            result.row,
            (
                str(result.row),
                plan_words.row_status(result.status),
                shown(words["name"]),
                shown(words["staff_name"]),
                " ".join(text for text, _tone in pieces),
                shown(words["why"]),
            ),
            plan_words.tone(result.status),
            (result, words),
            {4: pieces},
        )


def detail(line: Line) -> Content:
    """Everything about one row."""
    found: tuple[Result, dict[str, Any]] = line.data  # type: ignore[assignment]
    result, words = found
    rows = [
        (_("Status"), plan_words.row_status(result.status)),
        (_("Customer"), words["name"]),
        (_("Member"), words["staff_name"]),
        (_("Before"), words["before_text"]),
        (_("After"), words["after_text"]),
        (_("Code"), str(result.errcode) if result.errcode else ""),
        (_("Meaning"), result.meaning),
        (_("Next step"), result.next_step),
        (_("Possible from"), minute(result.retry_at)),
        (_("Answer due"), minute(result.due_at)),
        (_("When"), second(result.at) if result.at else ""),
        (_("Job"), str(result.job_id) if result.job_id else ""),
    ]  # fmt: skip
    technical = [
        (_("Customer id"), result.external_userid),
        (_("User id"), result.userid),
        *((key, _technical(key, value)) for key, value in result.answer.items()
          if value not in ("", None)),
    ]  # fmt: skip
    return Content("").join([fields("", rows), Content("\n"), fields(_("Technical"), technical)])


def _technical(key: str, value: object) -> str:
    """A field of the answer: moments as times, the rest as it is."""
    if key.endswith("_at") and isinstance(value, int | float) and value > 1e9:
        return second(value)
    return str(value)
