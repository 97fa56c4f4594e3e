"""Rows of a file that say of a customer what we ourselves write of the customer: nothing to change.

Exports and saved lists have one row a customer, and what several follows say stands joined in one
cell. Such a row cannot be told apart from a request by its texts alone, so it is made again and
compared, whichever way it was joined and whichever columns were left out.
"""

from __future__ import annotations

import re

from storeops.changes.sheets import Sheet, SheetLine
from storeops.database.database import Database
from storeops.plain import plain
from storeops.reading.customers import rows_of
from storeops.reading.export_rows import flat
from storeops.reading.query_rows import CustomerRows

# field of a planner → column of an export
_TEXTS = {
    "add": "tags",
    "remark": "remark",
    "remark_mobiles": "remark_mobiles",
}
_OTHERS = ("remove", "description", "remark_company")
_JOINTS = re.compile(r"[;；、,，]")  # between values in an export, and in a list of each language


class ExportedPlan:
    """Compares rows of a file with what an export of the same customers writes now.

    Args:
        db: data.db.
        sheet: the file.
    """

    def __init__(self, db: Database, sheet: Sheet) -> None:
        self._db = db
        self._texts = [name for name in (*_TEXTS, *_OTHERS) if name in sheet.fields]
        self._readers: list[CustomerRows] = []  # phones in full, and masked

    def has_texts(self, line: SheetLine) -> bool:
        """Whether a row brings anything to write."""
        return any(line.get(name).strip() for name in self._texts)

    def repeats_export(self, line: SheetLine, customer: int, follows: str = "") -> bool:
        """Whether all its texts are those of an export, and its members, where it names any.

        Args:
            line: the row.
            customer: customer.id.
            follows: whose follow a row without members means, where the person said so; then one
                text for all is a wish, and only what is joined of several texts is none.
        """
        if not self.has_texts(line):
            return False
        if not self._readers:
            self._readers = [rows_of(self._db, reveal=reveal) for reveal in (True, False)]
        named = line.get("userid").strip()
        for reader in self._readers:
            for row in reader.load([customer]):
                is_ = flat(row)
                if named:
                    if not any(_joined(named, is_[name]) for name in ("userid", "staff_name")):
                        return False
                elif follows and not self._speaks_for_all(line, row["follows"]):
                    return False
                if all(
                    self._repeats(name, line.get(name), is_, row["follows"])
                    for name in self._texts
                    if line.get(name).strip()
                ):
                    return True
        return False

    def _repeats(
        self, name: str, cell: str, is_: dict[str, object], follows: list[dict[str, object]]
    ) -> bool:
        text = str(is_[_TEXTS[name]]) if name in _TEXTS else ""
        if _same(cell, text):
            return True
        if name == "remark" and len(_said(name, follows)) < 2:
            return False  # nothing was joined: what parts it is the remark's own
        if ";" in text and _joined(cell, text):
            return True
        bare = "; ".join(tag.rpartition("/")[2] for tag in text.split("; "))
        return name == "add" and _joined(cell, bare)  # as lists name tags

    def _speaks_for_all(self, line: SheetLine, follows: list[dict[str, object]]) -> bool:
        """Whether there is one follow, or a text of the row is joined of what several say."""
        return len(follows) < 2 or any(
            line.get(name).strip() and len(_said(name, follows)) > 1
            for name in self._texts
            if name in ("remark", "remark_mobiles")
        )


def _said(name: str, follows: list[dict[str, object]]) -> set[str]:
    """The different texts that follows have in a column."""
    return {str(each[name]) for each in follows} - {"", "[]"}


def _same(cell: str, text: str) -> bool:
    """Whether a cell is a text as an export shows it: on one line, odd characters visible."""
    # a spreadsheet may have kept the ends of lines as they were, or made them its own
    return any(
        plain(cell.replace(*ends)).strip() == plain(text.replace(*ends)).strip()
        for ends in (("\r\n", "\n"), ("", ""))
    )


def _joined(cell: str, text: str) -> bool:
    """Whether a cell holds the values of a text in their order, each once, however joined."""
    one, other = (
        list(dict.fromkeys(filter(None, (plain(part).strip() for part in _JOINTS.split(each)))))
        for each in (cell, text)
    )
    return one == other
