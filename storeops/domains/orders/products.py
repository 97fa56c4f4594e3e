"""The chain's articles: names, categories, warranties, and how long one lasts."""

# ruff: noqa: E501 (Chinese words count twice)

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import Any

from storeops.changes import sheets
from storeops.changes.problems import Problem, Problems, of_line
from storeops.changes.sheets import Field
from storeops.database.database import Database
from storeops.domains.orders import summary
from storeops.i18n import _
from storeops.tables import typed

FIELDS = (
    Field("code", ("sku", "product_code", "stock_code", "article", "商品编码", "商品编号", "货号",
                   "sku编码", "商品代码"), "6901234567892", key=True),
    Field("name", ("product", "product_name", "description", "商品", "商品名称", "品名", "名称"),
          "Phone X 256 GB"),
    Field("category", ("category_path", "类目", "品类", "分类", "类别"), "phones/5G"),
    Field("brand", ("品牌",), "Acme"),
    Field("warranty_months", ("warranty", "保修月数", "保修期", "质保月数", "保修"), "12"),
    Field("replenish_days", ("replenishment_days", "replenish", "复购天数", "补货天数", "复购周期"), "0"),
    Field("gtin", ("barcode", "ean", "gtin13", "条码", "商品条码", "国际条码"), "6901234567892"),
)  # fmt: skip
_NUMBERS = {"warranty_months": 600, "replenish_days": 3_650}
_COLUMNS = tuple(each.name for each in FIELDS)


@dataclass(slots=True)
class ImportedProducts:
    """How an import of products ended."""

    lines: int = 0
    added: int = 0
    changed: int = 0
    unchanged: int = 0
    problems: Problems = field(default_factory=Problems)

    def as_dict(self) -> dict[str, Any]:
        """The object of `product import --json`."""
        return {
            "lines": self.lines,
            "added": self.added,
            "changed": self.changed,
            "unchanged": self.unchanged,
            "problems": [{"line": each.line, "message": each.message} for each in self.problems],
        }


def import_products(
    db: Database, asked: sheets.Source, now: float, stop: threading.Event | None = None
) -> ImportedProducts:
    """Take in a list of products; a line that cannot be read is named and left out.

    Args:
        db: data.db.
        asked: the file, and how it is to be read.
        now: WeCom's time, Unix seconds.
        stop: ends between two lines; nothing is written then.

    Raises:
        NotFoundError, ConflictError: the file cannot be read.
        UsageError: it has no column with codes.
    """
    result = ImportedProducts()
    known = {row["code"].casefold(): row for row in listing(db)}
    rows: dict[str, dict[str, Any]] = {}
    for line in sheets.stream(asked, FIELDS).lines:
        if stop is not None and stop.is_set():
            return result
        result.lines += 1
        if isinstance(line, Problem):
            result.problems.append(line)
            continue
        try:
            row = _row(line)
        except _BadProduct as bad:
            result.problems.append(of_line(line.number, "bad_product", str(bad)))
            continue
        if row["code"].casefold() in rows:
            text = _("the code {code} stands in the list twice; this line counts")
            result.problems.append(
                Problem("duplicate", text.format(code=row["code"]), line.number, warning=True)
            )
        rows[row["code"].casefold()] = row
    fresh = []
    for key, row in rows.items():
        before = known.get(key)
        given = {name: row.get(name, (before or {}).get(name)) for name in _COLUMNS}
        row = {name: value if value is not None else _EMPTY[name] for name, value in given.items()}
        if before is None:
            result.added += 1
        elif any(before[name] != row[name] for name in _COLUMNS if name != "code"):
            result.changed += 1
        else:
            result.unchanged += 1
            continue
        fresh.append((*(row[name] for name in _COLUMNS), int(now)))
    if fresh:
        with db.atomic() as connection:
            connection.executemany(
                f"INSERT OR REPLACE INTO orders_product ({', '.join(_COLUMNS)}, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                fresh,
            )
        summary.refresh_due(db)
    return result


class _BadProduct(Exception):
    """Why a line cannot be taken."""


_EMPTY = {"code": "", "name": "", "category": "", "brand": "", "warranty_months": 0,
          "replenish_days": 0, "gtin": ""}  # fmt: skip


def _row(line: sheets.SheetLine) -> dict[str, Any]:
    cells = {name: typed.word(text) for name, text in line.cells.items()}
    if not cells.get("code"):
        raise _BadProduct(_("it has no code"))
    for name, most in _NUMBERS.items():
        if name in cells:
            text = cells[name].removesuffix(".0") or "0"
            if not (text.isdecimal() and int(text) <= most):
                raise _BadProduct(
                    _("“{value}” is no number of {name} (0 to {most})").format(
                        value=text[:40], name=name, most=most
                    )
                )
            cells[name] = int(text)  # type: ignore[assignment]  # a number from here on
    if "category" in cells:
        parts = cells["category"].replace(">", "/").replace("\\", "/").split("/")
        cells["category"] = "/".join(part.strip() for part in parts if part.strip())
    if cells.get("gtin"):
        cells["gtin"] = _gtin(cells["gtin"])
    return cells


def _gtin(text: str) -> str:
    """14 digits of a GTIN whose check digit is right."""
    from biip import ParseError
    from biip.gtin import Gtin

    try:
        return str(Gtin.parse(text).as_gtin_14())
    except ParseError:
        raise _BadProduct(
            _("“{value}” is no GTIN: its length or check digit is wrong").format(value=text[:40])
        ) from None


def names(db: Database) -> dict[str, str]:
    """Name of every product that has one, by its code and by its GTIN, without leading zeros."""
    found: dict[str, str] = {}
    for code, gtin, name in db.execute(
        "SELECT code, gtin, name FROM orders_product WHERE name <> ''"
    ):
        found |= dict.fromkeys((each.lstrip("0") for each in (gtin, code) if each), name)
    return found


def gtins(db: Database) -> dict[str, str]:
    """GTIN of every product that has one, by its code, both without leading zeros."""
    rows = db.execute("SELECT code, gtin FROM orders_product WHERE gtin <> ''")
    return {code.lstrip("0"): gtin.lstrip("0") for code, gtin in rows}


def listing(db: Database) -> list[dict[str, Any]]:
    """Every product, by code."""
    return db.rows(f"SELECT {', '.join(_COLUMNS)} FROM orders_product ORDER BY code")
