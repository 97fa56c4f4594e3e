"""Records that programs write, as tables: NDJSON and Parquet, row by row.

A record's list of records under one key (`lines`, `items` …) becomes one row for each of them,
with the values of the record around it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from itertools import chain, islice
from pathlib import Path
from typing import Any

from storeops.errors import ConfigError, UsageError
from storeops.i18n import _
from storeops.tables.content import Table, TablePage
from storeops.tables.rows import MAX_TEXT, RawRow

_SEEN = 200  # records whose keys are the headings
_WIDE = 4_000_000  # characters of a record

Record = tuple[int, Mapping[str, Any] | str]  # (line, record, or why it is none)


def open_records(source: str) -> Table | None:
    """The table of an NDJSON or Parquet file; None for a file of another kind.

    Args:
        source: path; "-" (stdin) only when its first character is `{`.

    Raises:
        ConfigError: Parquet, and pyarrow is not installed.
        UsageError: a Parquet file that cannot be read.
    """
    if source == "-":
        head = sys.stdin.buffer.peek(1)[:1]  # type: ignore[union-attr]  # buffered
        if head != b"{":
            return None
        return _table("ndjson", lambda: _json_records(sys.stdin.buffer))
    try:
        with Path(source).expanduser().open("rb") as file:
            head = file.read(64).removeprefix(b"\xef\xbb\xbf").lstrip()
    except (OSError, ValueError):
        return None  # whoever reads it next says why
    if head.startswith(b"PAR1"):
        return _table("parquet", lambda: _parquet_records(source))
    if head.startswith(b"{"):
        return _table("ndjson", lambda: _file_records(source))
    return None


def _table(kind: str, read: Callable[[], Iterator[Record]]) -> Table:
    return Table(kind, [TablePage("", False, lambda: _rows(read()), [])])


def _rows(found: Iterator[Record]) -> Iterator[RawRow]:
    """The headings as the first row, then the records."""
    first = list(islice(found, _SEEN))
    names: dict[str, int] = {}
    for _line, record in first:
        if isinstance(record, str):
            continue
        for row in _flat(record):
            for key in row:
                names.setdefault(key, len(names))
    yield RawRow(0, {at: key for key, at in names.items()})
    for line, record in chain(first, found):
        if isinstance(record, str):
            yield RawRow(line, {}, fault=record)
            continue
        for row in _flat(record):
            cells = {names[key]: _text(value) for key, value in row.items() if key in names}
            long = {
                at: _("it has more than {limit} characters").format(limit=f"{MAX_TEXT:,}")
                for at, text in cells.items()
                if len(text) > MAX_TEXT
            }
            yield RawRow(line, cells, long)


def _flat(record: Mapping[str, Any]) -> Iterable[Mapping[str, Any]]:
    nested = [
        key
        for key, value in record.items()
        if isinstance(value, list) and value and all(isinstance(each, dict) for each in value)
    ]
    if not nested:
        return [record]
    outer = {key: value for key, value in record.items() if key != nested[0]}
    return [{**outer, **each} for each in record[nested[0]]]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if value is True or value is False:
        return "TRUE" if value else "FALSE"
    if isinstance(value, int | float):
        return repr(value)
    if hasattr(value, "isoformat"):
        return str(value.isoformat())
    return json.dumps(value, ensure_ascii=False) if isinstance(value, dict | list) else str(value)


def _file_records(source: str) -> Iterator[Record]:
    with Path(source).expanduser().open("rb") as file:
        yield from _json_records(file)


def _json_records(lines: Iterable[bytes]) -> Iterator[Record]:
    for number, line in enumerate(lines, 1):
        text = line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()
        if not text:
            continue
        try:
            if len(text) > _WIDE:
                raise ValueError
            record = json.loads(text, parse_float=str)
        except (ValueError, RecursionError):
            yield number, _("it is no JSON object")
            continue
        yield number, record if isinstance(record, dict) else _("it is no JSON object")


def _parquet_records(source: str) -> Iterator[Record]:
    try:
        import pyarrow.parquet as parquet  # 45 MB: an extra
    except ImportError:
        raise ConfigError(
            _("Reading Parquet needs pyarrow, which is not installed."),
            hint=_("Install the extra: pip install 'storeops[parquet]'"),
        ) from None
    with ExitStack() as stack:
        try:
            file = stack.enter_context(parquet.ParquetFile(Path(source).expanduser()))
            number = 0
            for batch in file.iter_batches(batch_size=5_000):
                for record in batch.to_pylist():
                    number += 1
                    yield number, record
        except (OSError, ValueError) as error:  # pyarrow's errors are ValueErrors
            raise UsageError(
                _("{file} cannot be read as Parquet: {why}.").format(file=source, why=error),
                hint=_("Write it again, or export it as CSV."),
            ) from error
