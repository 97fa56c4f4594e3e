"""Options that name a file of customers, and say how it is to be read."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from storeops.errors import UsageError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.changes.sheets import Source

File = Annotated[
    str,
    typer.Option(
        "--file", "-f", metavar="FILE",
        help=_("Customers (and texts) of a CSV or workbook; - reads a pipe."),
    ),
]  # fmt: skip
Csv = Annotated[str, typer.Option("--csv", metavar="FILE", help=_("The same as --file."))]
Xlsx = Annotated[str, typer.Option("--xlsx", metavar="FILE", help=_("The same as --file."))]
SheetName = Annotated[
    str,
    typer.Option(
        "--sheet", metavar="NAME", help=_("Sheet of the workbook; else the one with the headings.")
    ),
]
HeaderRow = Annotated[
    int,
    typer.Option(
        "--header-row", metavar="N", min=0,
        help=_("Row of the headings; else looked for in the first ten."),
    ),
]  # fmt: skip
Hidden = Annotated[bool, typer.Option("--hidden", help=_("Read hidden rows and sheets, too."))]
Heading = Annotated[
    list[str] | None,
    typer.Option(
        "--column", metavar="HEADING=FIELD",
        help=_("What a heading of the file means; HEADING= switches it off."),
    ),
]  # fmt: skip
Map = Annotated[
    list[str] | None,
    typer.Option(
        "--column", "--map", metavar="HEADING=FIELD",
        help=_("What a heading of the file means; HEADING= switches it off."),
    ),
]  # fmt: skip
Strict = Annotated[
    bool, typer.Option("--strict", help=_("Refuse the whole file when one row is wrong."))
]
TableFile = Annotated[str, typer.Argument(metavar="FILE", help=_("CSV or workbook; - for stdin."))]
RecordsFile = Annotated[
    str, typer.Argument(metavar="FILE", help=_("CSV, XLSX, NDJSON or Parquet; - for stdin."))
]
Template = Annotated[
    bool, typer.Option("--template", help=_("Print a CSV to fill in, and nothing else."))
]


@dataclass(frozen=True, kw_only=True)
class TableOptions:
    """How a table is read.

    Attributes:
        sheet, header_row, hidden, column: as their options say.
        strict: whether one wrong row refuses the file.
    """

    sheet: SheetName = ""
    header_row: HeaderRow = 0
    hidden: Hidden = False
    column: Map = None
    strict: Strict = False

    def source(self, path: str) -> Source | None:
        """The file at a path, read so; None for no path.

        Raises:
            UsageError: `column` holds a mapping that is none.
        """
        if not path:
            return None
        from storeops.changes.sheets import Source, parse_mapping  # 33 ms; lists seldom read a file

        mapping = parse_mapping(self.column or [])
        return Source(path, self.sheet, mapping, self.header_row, self.hidden, self.strict)

    def typed(self) -> dict[str, Any]:
        """The options, to be typed again."""
        return asdict(self) | {"header_row": self.header_row or None}


@dataclass(frozen=True, kw_only=True)
class _NamedFile:
    """One file, by any of its three options."""

    file: File = ""
    csv: Csv = ""
    xlsx: Xlsx = ""


@dataclass(frozen=True, kw_only=True)
class FileOptions(TableOptions, _NamedFile):
    """A file, and how it is read."""

    def typed(self) -> dict[str, Any]:
        """The options, to be typed again: a file has one name then."""
        return super().typed() | {"file": self.path, "csv": "", "xlsx": ""}

    @property
    def path(self) -> str:
        """The file that is named; "" for none.

        Raises:
            UsageError: several are.
        """
        named = [each for each in (self.file, self.csv, self.xlsx) if each]
        if len(named) > 1:
            raise UsageError(
                _("Several files were named."), hint=_("Name one with --file; plan once for each.")
            )
        return named[0] if named else ""
