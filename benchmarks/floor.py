"""The customers screen over constants: what the screen costs when the rows cost nothing.

Facets and card are as long as those of the mirror, so that the same cells are painted.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator
from pathlib import Path

from textual.content import Content

from tui.customer_repository import Advice, FacetRows, Look, NamedLook
from tui.suggestions import Suggestion
from tui.widgets.customer_list import DEFAULT_COLUMNS
from tui.widgets.rows import Line, RowCount, Window

_CELLS = {
    "name": "王小明",
    "remark": "王小明 常买墨盒",
    "owner": "李娜",
    "store": "上海人民广场店",
    "tags": "重要客户 墨盒",
    "status": "active",
    "added": "2026-05-01",
}
_KINDS = ("status", "store", "owner", "tag", "way")
_CARD = Content("\n".join(f"Field {number}: 上海人民广场店 2026-05-01" for number in range(24)))


class ConstantRows:
    """`total` rows that differ in nothing but their number."""

    def __init__(self, total: int, columns: tuple[str, ...]) -> None:
        self.total = total
        self.columns = columns or DEFAULT_COLUMNS

    def window(self, start: int, count: int) -> Window:
        rest = tuple(_CELLS.get(key, "-") for key in self.columns[1:])
        return Window(
            start,
            [
                Line(at, (f"王小明{at}", *rest), data=f"wm{at}")
                for at in range(start, min(self.total, start + count))
            ],
        )

    def count(self, cap: int | None) -> RowCount:
        if cap is not None and self.total > cap:
            return RowCount(cap, exact=False)
        return RowCount(self.total)

    def find(self, key: Hashable, near: int) -> int | None:
        return near

    def stop(self, *, counting: bool) -> None:
        pass


class ConstantCustomers:
    """A `tui.customer_repository.CustomerRepository` without a database."""

    sorts = (("newest", "newest"), ("oldest", "oldest"))

    def __init__(self, total: int) -> None:
        self.total = total

    def check(self, where: str) -> Advice:
        return Advice()

    def suggest(self, where: str) -> tuple[Suggestion, ...]:
        return ()

    def rows(self, look: Look) -> ConstantRows:
        return ConstantRows(self.total // 1000 if look.where else self.total, look.columns)

    def facets(self, look: Look) -> Iterator[list[FacetRows]]:
        for kind in _KINDS:
            yield [
                FacetRows(kind, kind.title(), f"value {number}", f"{kind}:{number}", number)
                for number in range(12)
            ]

    def stop_facets(self) -> None:
        pass

    def card(self, external_userid: str) -> Content:
        return _CARD

    def marks(self) -> int:
        return 0

    def toggle(self, keys: object) -> int:
        return 0

    mark = toggle

    def mark_all(self, look: Look) -> int:
        return 0

    invert = mark_all

    def unmark_all(self) -> int:
        return 0

    def done_with(self, plan_id: int) -> int:
        return 0

    def undo_marks(self) -> int | None:
        return None

    def marked_ids(self, most: int) -> list[str]:
        return []

    def views(self) -> list[NamedLook]:
        return []

    def save_view(self, name: str, look: Look) -> None:
        pass

    def note(self, external_userid: str, text: str) -> None:
        pass

    def export(self, look: Look, path: Path, on_progress: object) -> int:
        return 0

    def command(self, look: Look) -> str:
        return "storeops customer list"
