"""Forecasts beside the habits they replace, and their speed.

    .venv/bin/python benchmarks/forecast.py --data DIR   # FreshRetailNet-50K, as CSV
    .venv/bin/python benchmarks/forecast.py              # invented series: the speed alone

Three origins, a week apart, seven days ahead. Shops whose md5 of "split-<store_id>" is even are
fitted on, the others are scored: the rule was fixed before anything was fitted. In-stock days only.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from storeops.domains.forecast import methods, ordering, pooled, quantiles, score
from storeops.domains.forecast.history import read_history
from storeops.domains.forecast.run import run_forecast

RATIOS = (0.7, 0.8, 0.9)


def fitted_on(store: str) -> bool:
    return int(hashlib.md5(f"split-{store}".encode()).hexdigest(), 16) % 2 == 0


def accuracy(data: str, method: str) -> None:
    whole = read_history(data, None, 0)
    fit = np.array([fitted_on(whole.stores[each]) for each in whole.store])
    print(f"\n{method}: {fit.sum():,} series fitted on, {(~fit).sum():,} scored")
    print(f"{'known up to':12} {'wMAPE':>7} {'naive':>7} {'gain':>7} {'bias':>7}")
    rows = []
    costs: dict[float, dict[str, list[float]]] = {each: {} for each in RATIOS}
    looks = []
    for origin in score.look_back(whole, 3, 7, method, fit):
        seen = origin.stocked & ~fit
        sold = np.nan_to_num(origin.sold)
        total = sold[seen].sum()
        wmape, naive = (
            float(np.abs(each - sold)[seen].sum() / total) for each in (origin.said, origin.naive)
        )
        bias = float((origin.said - sold)[seen].sum() / total)
        rows.append((wmape, naive, bias))
        print(f"{origin.history.as_of!s:12} {wmape:7.4f} {naive:7.4f} {1 - wmape / naive:7.1%}"
              f" {bias:+7.3f}")  # fmt: skip
        ratios = quantiles.learn(
            pooled.sample(origin.history.pick(fit)), methods.as_it_was("pooled")
        )
        looks.append((origin, ratios, sold, seen))
        for ratio in RATIOS:
            for name, amounts in ordering.habits(origin, ratios, ratio).items():
                short = np.maximum(sold - amounts, 0)[seen].sum()
                over = np.maximum(amounts - sold, 0)[seen].sum()
                sums = costs[ratio].setdefault(name, [0.0, 0.0, 0.0])
                for at, value in enumerate((short, over, total)):
                    sums[at] += float(value)
    mean = [sum(each) / len(rows) for each in zip(*rows, strict=True)]
    print(f"{'mean':12} {mean[0]:7.4f} {mean[1]:7.4f} {1 - mean[0] / mean[1]:7.1%} {mean[2]:+7.3f}")
    print(f"\n{'ratio':6} {'by':16} {'cost':>7} {'lost':>7} {'wasted':>7}")
    for ratio, found in costs.items():
        for name, (short, over, total) in found.items():
            cost = (ratio * short + (1 - ratio) * over) / total
            print(f"{ratio:<6} {name:16} {cost:7.4f} {short / total:7.1%} {over / total:7.1%}")

    def at(ratio: float, name: str) -> tuple[float, float]:
        """(lost, wasted) of demand."""
        short = over = total = 0.0
        for origin, ratios, sold, seen in looks:
            amounts = ordering.habits(origin, ratios, ratio)[name]
            short += float(np.maximum(sold - amounts, 0)[seen].sum())
            over += float(np.maximum(amounts - sold, 0)[seen].sum())
            total += float(sold[seen].sum())
        return short / total, over / total

    lost, wasted = at(0.5, "last week")
    low, high = 0.05, 0.95
    for _step in range(20):
        middle = (low + high) / 2
        low, high = (middle, high) if at(middle, "forecast")[1] < wasted else (low, middle)
    print(f"wasting as much as last week ({wasted:.1%}): lost {at(low, 'forecast')[0]:.1%} at ratio"
          f" {low:.2f}, last week {lost:.1%}")  # fmt: skip


def invented(folder: Path, series: int, days: int = 76) -> None:
    dice = np.random.default_rng(7)
    first = np.datetime64("2024-03-28")
    names = [str(first + at) for at in range(days)]
    with gzip.open(folder / "sales.csv.gz", "wt", compresslevel=1) as file:
        file.write("store_id,product_id,dt,sale_amount,stock_hour6_22_cnt,discount,activity_flag\n")
        for at in range(series):
            level = float(dice.gamma(1.2, 0.9)) + 0.1
            sold = dice.poisson(level * 10, days) / 10
            out = np.where(dice.random(days) < 0.44, dice.integers(1, 17, days), 0)
            price = np.round(1 - dice.integers(0, 300, days) / 1000, 3)
            head = f"{at // 56},{at % 56},"
            file.write("".join(
                f"{head}{day},{amount:.1f},{hours},{factor:.3f},0\n"
                for day, amount, hours, factor in zip(names, sold, out, price, strict=True)
            ))  # fmt: skip


def speed(series: int, method: str) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        invented(folder, series)
        wall, cpu = time.perf_counter(), time.process_time()
        made = run_forecast(name, str(folder / "out.csv"), method=method)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        print(f"\n{method}: {made.series:,} series x 76 days, {made.rows:,} rows written:"
              f" {wall:.1f} s, {cpu:.1f} s of CPU")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default="", help="folder of FreshRetailNet-50K")
    parser.add_argument("--series", type=int, default=50_000)
    parser.add_argument("--methods", default="pooled,boosted")
    asked = parser.parse_args()
    for method in asked.methods.split(",") if asked.data else ():
        accuracy(asked.data, method)
    if asked.series:
        speed(asked.series, "pooled")
    if not asked.data:
        print("no --data: only the speed was measured", file=sys.stderr)


if __name__ == "__main__":
    main()
