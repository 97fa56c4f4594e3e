"""Flat rows as Parquet, a group of rows a batch."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import BinaryIO

from storeops.domains.export.export_easy import picker
from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.reading.export_rows import NUMBERS, Flatten

_PIECE = 150  # rows that are Python's at once: a larger piece leaves the processor's cache
# what repeats; trying it on ids, names and phones costs more than it saves
_REPEATS = frozenset(
    {
        "status",
        "userid",
        "staff_name",
        "store",
        "remark",
        "add_way",
        "state",
        "follow_status",
        "tags",
    }
)


def write_parquet(
    connection: sqlite3.Connection,
    batches: Iterable[list[int]],
    file: BinaryIO,
    flatten: Flatten,
    names: Sequence[str],
    on_rows: Callable[[int], None],
) -> None:
    """Write customers in their order, a group of rows a batch.

    Args:
        connection: reads the mirror.
        batches: customer.id.
        file: open for writing.
        flatten: makes the rows.
        names: the columns, in order: int64 or text.
        on_rows: told how many rows each batch had.

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
    repeats = [name for name in names if name in _REPEATS]

    def write(pieces: list[pyarrow.RecordBatch], order: list[int]) -> None:
        writer.write_table(pyarrow.Table.from_batches(pieces, schema).combine_chunks().take(order))

    # pyarrow works outside Python's lock: the next rows are made while these are written
    with (
        parquet.ParquetWriter(file, schema, compression="zstd", use_dictionary=repeats) as writer,
        ThreadPoolExecutor(1, "parquet") as thread,
    ):
        writing: Future[None] | None = None
        for ids in batches:
            rows = flatten.rows(connection, ids)
            pieces = []
            place: dict[int, int] = {}
            while piece := list(islice(rows, _PIECE)):
                keys, made = zip(*piece, strict=True)
                place.update(zip(keys, range(len(place), len(place) + len(keys)), strict=True))
                columns = zip(*map(pick, made), strict=True)
                pieces.append(
                    pyarrow.record_batch(
                        [
                            pyarrow.array(values, type=field.type)
                            for values, field in zip(columns, schema, strict=True)
                        ],
                        schema=schema,
                    )
                )
            if writing is not None:
                writing.result()
            if place:
                order = [place[key] for key in ids if key in place]
                writing = thread.submit(write, pieces, order)
            on_rows(len(place))
        if writing is not None:
            writing.result()
