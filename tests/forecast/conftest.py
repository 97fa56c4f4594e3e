"""A small chain whose demand is known: shops, products, weekdays, prices, empty shelves."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

FIRST = date(2024, 3, 4)  # a Monday
WEEKDAYS = np.array([0.8, 0.8, 0.9, 0.9, 1.1, 1.4, 1.3])


def write_chain(
    folder: Path, *, shops: int = 6, products: int = 12, days: int = 77, seed: int = 5,
    change: Callable[[str, str, date, list[Any]], list[Any]] | None = None, packed: bool = False,
) -> Path:  # fmt: skip
    """Write sales, products and calendar; demand = level x weekday x price^-2, Poisson."""
    dice = np.random.default_rng(seed)
    folder.mkdir(parents=True, exist_ok=True)
    lines = ["store_id,product_id,dt,sale_amount,stock_hour6_22_cnt,discount,activity_flag"]
    for shop in range(shops):
        for product in range(products):
            level = dice.uniform(2, 12)
            for at in range(days):
                day = FIRST + timedelta(days=at)
                price = 0.8 if dice.random() < 0.2 else 1.0
                wanted = dice.poisson(level * WEEKDAYS[day.weekday()] * price**-2.0)
                out = 12 if dice.random() < 0.1 else 0
                row = [wanted if not out else wanted // 4, out, price, int(price < 1)]
                if change is not None:
                    row = change(str(shop), str(product), day, row)
                lines.append(f"{shop},{product},{day},{row[0]},{row[1]},{row[2]},{row[3]}")
    text = "\n".join(lines) + "\n"
    if packed:
        (folder / "sales.csv.gz").write_bytes(gzip.compress(text.encode()))
    else:
        (folder / "sales.csv").write_text(text, encoding="utf-8")
    (folder / "products.csv").write_text(
        "product_id,management_group_id,first_category_id,second_category_id,third_category_id\n"
        + "".join(f"{each},1,{each % 2},{each % 4},{each}\n" for each in range(products)),
        encoding="utf-8",
    )
    (folder / "calendar.csv").write_text(
        "dt,holiday_flag\n"
        + "".join(
            f"{day},{int(day.weekday() >= 5)}\n"
            for day in (FIRST + timedelta(days=at) for at in range(days + 30))
        ),
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_chain(tmp_path / "chain")
