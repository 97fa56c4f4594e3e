"""Flat rows as Parquet, a group of rows a batch."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.operations.export_easy import picker
from storeops.operations.export_rows import NUMBERS


def write_parquet(
    batches: Iterable[list[tuple[Any, ...]]], path: Path, names: Sequence[str]
) -> None:
    """Write rows of `Flatten`.

    Args:
        batches: rows with all columns.
        path: the file.
        names: the columns, in order: int64 or text.

    Raises:
        ConfigError: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise ConfigError(
            _("Parquet needs the library pyarrow, which is not installed."),
            hint=_("Install it with `pip install 'storeops[parquet]'`, or export CSV or NDJSON."),
        ) from None
    schema = pyarrow.schema(
        [(name, pyarrow.int64() if name in NUMBERS else pyarrow.string()) for name in names]
    )
    pick = picker(names)
    with parquet.ParquetWriter(str(path), schema, compression="zstd") as writer:
        for rows in batches:
            columns = [
                pyarrow.array(values, type=field.type)
                for values, field in zip(zip(*map(pick, rows), strict=True), schema, strict=True)
            ]
            writer.write_table(pyarrow.Table.from_arrays(columns, schema=schema))
