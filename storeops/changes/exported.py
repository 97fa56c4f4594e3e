"""Rows of a file that say of a customer what an export of the customer says: nothing to change.

An export has one row a customer, and what several follows say stands joined in one cell. Such a
row cannot be told apart from a request by its texts alone, so it is made again and compared.
"""

from __future__ import annotations

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


class ExportedPlan:
    """Compares rows of a file with what an export of the same customers writes now.

    Args:
        db: data.db.
        sheet: the file.
    """

    def __init__(self, db: Database, sheet: Sheet) -> None:
        self._db = db
        self._texts = [name for name in (*_TEXTS, *_OTHERS) if name in sheet.fields]
        self._usable = bool(self._texts) and "userid" in sheet.fields
        self._readers: list[CustomerRows] = []  # phones in full, and masked

    def has_texts(self, line: SheetLine) -> bool:
        """Whether a row brings anything to write."""
        return any(line.get(name).strip() for name in self._texts)

    def repeats_export(self, line: SheetLine, customer: int) -> bool:
        """Whether all its texts are those of an export, whose members it names as well.

        Args:
            line: the row.
            customer: customer.id.
        """
        if not self._usable or not self.has_texts(line):
            return False
        if not self._readers:
            self._readers = [rows_of(self._db, reveal=reveal) for reveal in (True, False)]
        for reader in self._readers:
            for is_ in map(flat, reader.load([customer])):
                named = line.get("userid")
                if not any(_same(named, is_[name]) for name in ("userid", "staff_name")):
                    return False
                if all(
                    _same(line.get(name), is_[_TEXTS[name]] if name in _TEXTS else "")
                    for name in self._texts
                    if line.get(name).strip()
                ):
                    return True
        return False


def _same(cell: str, text: str) -> bool:
    """Whether a cell is a text as an export shows it: on one line, odd characters visible."""
    # a spreadsheet may have kept the ends of lines as they were, or made them its own
    return any(
        plain(cell.replace(*ends)).strip() == plain(text.replace(*ends)).strip()
        for ends in (("\r\n", "\n"), ("", ""))
    )
