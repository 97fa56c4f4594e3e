"""Options that name a file of customers, and say how it is to be read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

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
TableFile = Annotated[str, typer.Argument(metavar="FILE", help=_("CSV or workbook; - for stdin."))]
RecordsFile = Annotated[
    str, typer.Argument(metavar="FILE", help=_("CSV, XLSX, NDJSON or Parquet; - for stdin."))
]
Template = Annotated[
    bool, typer.Option("--template", help=_("Print a CSV to fill in, and nothing else."))
]


def source_of(
    file: str,
    csv: str,
    xlsx: str,
    *,
    sheet: str = "",
    header_row: int = 0,
    hidden: bool = False,
    mapping: Sequence[str] = (),
    strict: bool = False,
) -> Source | None:
    """The file that options name, and how it is to be read; None without one.

    Raises:
        UsageError: several files, or a mapping that is none.
    """
    paths = [each for each in (file, csv, xlsx) if each]
    if len(paths) > 1:
        raise UsageError(
            _("Several files were named."), hint=_("Name one with --file; plan once for each.")
        )
    if not paths:
        return None
    from storeops.changes.sheets import Source, parse_mapping  # 33 ms, and lists seldom read a file

    return Source(paths[0], sheet, parse_mapping(list(mapping)), header_row, hidden, strict)
