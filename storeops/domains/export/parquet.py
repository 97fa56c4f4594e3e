"""Flat rows as Parquet, a group of rows at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, BinaryIO

from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.spreadsheet import cell_text

_GROUP = 10_000  # rows
# what repeats; trying it on ids, names and phones costs more than it saves
_REPEATS = frozenset(
    {"status", "userid", "staff_name", "store", "remark", "add_way", "state", "follow_status",
     "tags"}
)  # fmt: skip


def write_parquet(
    file: BinaryIO, columns: Mapping[str, type], rows: Iterator[Sequence[Any]]
) -> None:
    """Write rows in their order.

    Args:
        file: open for writing.
        columns: name → int, float or bool; everything else is text.
        rows: the values of each, in the order of the columns.

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
    types = {int: pyarrow.int64(), float: pyarrow.float64(), bool: pyarrow.bool_()}
    schema = pyarrow.schema(
        [(name, types.get(kind, pyarrow.string())) for name, kind in columns.items()]
    )
    repeats = [name for name in columns if name in _REPEATS]
    with parquet.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeats) as writer:
        while group := list(islice(rows, _GROUP)):
            arrays = []
            for values, field in zip(zip(*group, strict=True), schema, strict=True):
                if field.type == pyarrow.string():
                    values = tuple(None if each is None else cell_text(each) for each in values)
                arrays.append(pyarrow.array(values, type=field.type))
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
