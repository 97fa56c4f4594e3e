"""A forecast of all shops, written to a file: read, learn, forecast part by part, join."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np

from storeops import os_errors
from storeops.database.database import Database
from storeops.domains.forecast import executors, methods, partitions
from storeops.domains.forecast.boosted import ChainTrend
from storeops.domains.forecast.history import DailySales, SalesHistory, read_history
from storeops.domains.forecast.methods import Learnt
from storeops.domains.forecast.show import COLUMNS
from storeops.errors import ConfigError, StillRunningError, StoreOpsError, UsageError
from storeops.export_file import refuse_taken, whole_file
from storeops.i18n import _

QUANTILES = (0.5, 0.8, 0.9, 0.95)
HEADER = (",".join(COLUMNS) + "\n").encode()
PART = 2_000  # series; a shop is never cut
VERSION = "1"  # of what a part holds


@dataclass(frozen=True, slots=True)
class ForecastRun:
    """How a run ended.

    Attributes:
        as_of: last day of history.
        horizon: days ahead.
        method: pooled or boosted.
        stores, series, rows: how many; a row is one day of one series.
        parts, resumed: parts of the work, and how many an earlier run had done.
        out: the file; sha256: of it.
        notes: what is worth saying, in the user's language.
    """

    as_of: str
    horizon: int
    method: str
    stores: int
    series: int
    rows: int
    parts: int
    resumed: int
    out: str
    sha256: str
    notes: tuple[str, ...]


def blocks_of(history: SalesHistory) -> list[slice]:
    """Parts of whole shops, about `PART` series each; the same ones every time."""
    edges = np.flatnonzero(np.diff(history.store)) + 1
    found, start = [], 0
    for edge in [*edges.tolist(), history.series]:
        if edge - start >= PART or edge == history.series:
            found.append(slice(start, edge))
            start = edge
    return [each for each in found if each.stop > each.start]


def part_text(history: SalesHistory, learnt: Learnt, others: ChainTrend | None) -> bytes:
    """The rows of some series: shop, product, day, forecast and its quantiles."""
    forecast = methods.predict(history, learnt.fitted, others)
    columns = [forecast, *(learnt.ratios.at(forecast, level) for level in QUANTILES)]
    values = np.round(np.stack(columns, axis=-1), 4)  # (days, series, 5)
    days = [history.day(history.days + row).isoformat() for row in range(history.horizon)]
    lines = []
    for series in range(history.series):
        who = f"{_cell(history.stores[history.store[series]])},"
        who += f"{_cell(history.products[history.product[series]])},"
        for day, numbers in zip(days, values[:, series].tolist(), strict=True):
            lines.append("{}{},{:.4f},{:.4f},{:.4f},{:.4f},{:.4f}\n".format(who, day, *numbers))
    return "".join(lines).encode()


def _cell(name: str) -> str:
    if name.isascii() and name.isalnum():
        return name
    from storeops.spreadsheet import csv_cell

    text = str(csv_cell(name))
    return '"' + text.replace('"', '""') + '"' if set(text) & set(',"\r\n') else text


def run_forecast(
    data: str | DailySales,
    out: str,
    *,
    as_of: date | None = None,
    horizon: int = 7,
    method: str = "pooled",
    workers: int = 0,
    scheduler: str = "",
    over: bool = False,
    stop: threading.Event | None = None,
    on_progress: Callable[[int, int], None] = lambda done, total: None,
) -> ForecastRun:
    """Forecast every series of a folder and write them to a file.

    Args:
        data: the folder (`history`), or what tills sold.
        out: CSV to write; what was finished of it lies beside it until it is whole.
        as_of: last day of history; None for the last one with sales.
        horizon: days ahead, 1 to 28.
        method: pooled or boosted.
        workers: processes of this host; 0 chooses.
        scheduler: of a Dask cluster that computes the parts instead; "" for this host.
        over: replace the file.
        stop: end after the part in hand.
        on_progress: told parts done, and all.

    Raises:
        UsageError, NotFoundError, ConfigError: nothing was written.
        StillRunningError: stopped, or a process was killed; the same call goes on.
        NetworkError: the cluster does not answer, or does no more; the same call goes on.
    """
    if not 1 <= horizon <= 28:
        raise UsageError(_("--horizon is a number of days from 1 to 28."))
    if scheduler and workers:
        raise UsageError(
            _("--workers are processes of this host; a --scheduler has workers of its own."),
            hint=_("Leave one of them out."),
        )
    cluster = executors.cluster(scheduler) if scheduler else None
    if not over:
        refuse_taken(out)
    history = read_history(data, as_of, horizon)
    target = Path(out).expanduser()
    if not target.parent.is_dir():
        raise UsageError(_("There is no folder {path}.").format(path=target.parent))
    mark = hashlib.sha256(f"{VERSION} {method} {history.digest}".encode()).hexdigest()[:16]
    folder = target.with_name(f".{target.name}.forecast-{mark}")
    blocks = blocks_of(history)
    names = [f"part-{at:05d}.csv" for at in range(len(blocks))]
    there = folder.is_dir() and all((folder / name).is_file() for name in names)
    learnt = None if there else methods.prepare(history, method)
    others = methods.others(history, learnt.fitted) if learnt is not None else None
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigError(
            _("The file {path} cannot be written: {reason}.").format(
                path=target, reason=os_errors.reason(error)
            )
        ) from None

    def task(at: int) -> partitions.Task:
        here = blocks[at]
        return part_text, (history.pick(here), learnt, others and others.pick(here))

    place = cluster or executors.processes(min(_workers(workers, history.series), len(blocks)))
    try:
        resumed = partitions.run_parts(folder, names, task, place, stop=stop, on_done=on_progress)
    except StoreOpsError:
        partitions.remove(folder, ())  # when nothing was finished, nothing is left
        raise
    if stop is not None and stop.is_set():
        raise StillRunningError(
            _("Stopped; what was finished is kept beside {path}.").format(path=target),
            hint=_("The same command goes on where it stopped."),
        )
    digest = hashlib.sha256()
    with whole_file(out, over) as file:
        for content in _joined(folder, names):
            digest.update(content)
            file.write(content)
    partitions.remove(folder, names)
    return ForecastRun(
        history.as_of.isoformat(), horizon, method, len(set(history.store.tolist())),
        history.series, history.series * horizon, len(blocks), resumed, str(target),
        digest.hexdigest(), tuple(history.notes),
    )  # fmt: skip


def _joined(folder: Path, names: list[str]) -> Iterator[bytes]:
    yield HEADER
    for name in names:
        yield (folder / name).read_bytes()


def _workers(asked: int, series: int) -> int:
    """A process takes a second to start: only many series are worth more than one."""
    return asked or (1 if series < 200_000 else min(4, os.cpu_count() or 1))


def remember(db: Database, run: ForecastRun, data: str, now: float) -> None:
    """Keep which forecast was made last, for `forecast show` and `forecast explain`.

    Args:
        data: the folder; "" when it was what tills sold.
    """
    db.execute(
        "INSERT INTO forecast_run"
        " (made_at, data, as_of, horizon, method, out, series, sha256)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            now, str(Path(data).expanduser().absolute()) if data else "", run.as_of, run.horizon,
            run.method, str(Path(run.out).absolute()), run.series, run.sha256,
        ),
    )  # fmt: skip


def last_run(db: Database) -> dict[str, object] | None:
    """The row of `forecast_run` made last."""
    rows = db.rows("SELECT * FROM forecast_run ORDER BY id DESC LIMIT 1")
    return rows[0] if rows else None
