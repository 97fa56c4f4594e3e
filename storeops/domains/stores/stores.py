"""Shops: which departments they are, how many work and are served there, and taking in the
chain's own list of shops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.notebook.stores import Shop, forget_shop, list_shops, save_shops
from storeops.reading import directory
from storeops.reading.customers import names_of
from storeops.reading.query import CustomerQuery
from storeops.spelling import nearest
from storeops.tables import typed
from storeops.tables.content import read_table
from storeops.tables.rows import RawRow

HEADINGS = {
    "code": ("code", "store_code", "number", "门店编号", "门店编码", "编号", "编码", "店号"),
    "name": ("name", "store", "store_name", "门店", "门店名称", "店名", "名称"),
    "region": ("region", "area", "区域", "大区", "地区"),
    "department_id": ("department_id", "department", "id", "部门id", "部门编号"),
    "department_name": ("department_name", "部门", "部门名称"),
}
_CERTAIN, _LIKELY = 0.999, 0.6


@dataclass(frozen=True, slots=True)
class StoreRow:
    """One shop as lists show it.

    Attributes:
        department_id: WeCom's department id.
        code, name, region: the notebook's, else the department's and the one above.
        department: the department's own name.
        mapped: the notebook knows it.
        staff: members whose shop it is.
        customers: people who are followed from there, each once, as `stats store` counts them.
        follows: their active relations with its members.
        unassigned: follows that wait for a new owner.
        complete_at: the oldest complete reading of its members, None when one was never read.
    """

    department_id: int
    code: str
    name: str
    region: str
    department: str
    mapped: bool
    staff: int
    customers: int
    follows: int
    unassigned: int
    complete_at: int | None


@dataclass(frozen=True, slots=True)
class Match:
    """One line of the chain's list and the department it is.

    Attributes:
        line: its number in the file.
        shop: what it says; department_id 0 when no department is certain.
        suggestions: departments it may be: (department id, name), most likely first.
    """

    line: int
    shop: Shop
    suggestions: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Imported:
    """How an import ended.

    Attributes:
        changed: shops that are new or changed.
        unchanged: lines that said what was known.
        open: lines whose department is not certain.
    """

    changed: int
    unchanged: int
    open: tuple[Match, ...]


def list_stores(db: Database, since: float = 0.0) -> list[StoreRow]:
    """Every department with members or follows of its own, and every shop of the notebook.

    Args:
        db: data.db.
        since: Unix seconds; a member read completely after it counts as covered.
    """
    shops = {each.department_id: each for each in list_shops(db)}
    people = {
        each.value: each.rows for each in CustomerQuery(db, now=0.0).facet("store", limit=1_000_000)
    }
    rows = []
    for row in directory.shops(db, since):
        shop = shops.pop(row.department_id, None)
        rows.append(
            StoreRow(
                row.department_id, shop.code if shop else "",
                (shop.name if shop else "") or row.name,
                (shop.region if shop else "") or row.region, row.name, shop is not None,
                row.members, people.get(row.department_id, 0), row.follows, row.unassigned,
                row.complete_at,
            )
        )  # fmt: skip
    names = directory.department_names(db)
    rows += [
        StoreRow(
            shop.department_id, shop.code, shop.name or names.get(shop.department_id, ""),
            shop.region, names.get(shop.department_id, ""), True, 0, 0, 0, 0, None,
        )
        for shop in shops.values()
    ]  # fmt: skip
    return sorted(rows, key=lambda each: (not each.code, each.code, each.department_id))


def show_store(db: Database, who: str) -> StoreRow:
    """One shop by code, department id, name or part of a name.

    Raises:
        NotFoundError: none; with the nearest names.
        UsageError: more than one.
    """
    rows = {each.department_id: each for each in list_stores(db)}
    return rows[names_of(db).find_store(who, part=True, among=rows)]


def read_list(source: str) -> list[dict[str, str]]:
    """The lines of a file of shops (CSV or workbook), by our headings.

    Args:
        source: path, or "-" for stdin.

    Raises:
        NotFoundError: no such file.
        UsageError: no heading that is understood, or a line that cannot be read.
    """
    raw: Iterator[RawRow] = iter(())
    known: dict[str, int] = {}
    for page in read_table(source).pages:  # sheets, or the ways to part the lines of a CSV
        raw, known = page.rows(), {}
        for column, title in next(raw, RawRow(1, {})).cells.items():
            for key, names in HEADINGS.items():
                if typed.word(title).casefold() in names:
                    known.setdefault(key, column)
        if "code" in known and not page.hidden:
            break
    else:
        raise UsageError(
            _("The list has no column with the shops' numbers."),
            hint=_("The first line names the columns: code, name, region, department_id."),
        )
    rows = []
    for record in raw:
        number = record.number
        bad = record.fault or next(
            (record.faults[each] for each in known.values() if each in record.faults), ""
        )
        if bad:
            raise UsageError(
                _("line {line}: {message}").format(line=number, message=bad),
                hint=_("Nothing was changed; correct the line and import again."),
            )
        row = {key: typed.word(record.cells.get(column, "")) for key, column in known.items()}
        if not any(row.values()):
            continue
        if not row["code"]:
            raise UsageError(
                _("Line {number} has no shop number.").format(number=number),
                hint=_("Nothing was changed; correct the line and import again."),
            )
        department = row.get("department_id", "")
        if department and not department.isdecimal():
            raise UsageError(
                _("Line {number}: “{value}” is not a department id.").format(
                    number=number, value=department
                ),
                hint=_("Nothing was changed; department ids are WeCom's numbers."),
            )
        rows.append({**row, "line": str(number)})
    codes = Counter(row["code"].casefold() for row in rows)
    twice = next((code for code, count in codes.items() if count > 1), None)
    if twice:
        raise UsageError(
            _("Shop number {code} stands in the list twice.").format(code=twice),
            hint=_("Nothing was changed; keep one of the lines."),
        )
    return rows


def match(db: Database, rows: Sequence[dict[str, str]]) -> list[Match]:
    """Which department each line is: by id, by what the notebook knows, by the same name; else
    suggestions by likeness.

    Raises:
        NotFoundError: a department id that WeCom does not have.
        UsageError: two lines mean one department.
    """
    departments = directory.department_names(db)
    by_name: dict[str, list[int]] = {}
    for key, name in departments.items():
        by_name.setdefault(_plain_name(name), []).append(key)
    by_code = {each.code.casefold(): each.department_id for each in list_shops(db) if each.code}
    found: list[Match] = []
    taken: dict[int, int] = {}
    for row in rows:
        line = int(row["line"])
        key = int(row.get("department_id") or 0)
        if key and key not in departments:
            raise NotFoundError(
                _("Line {number}: there is no department {department}.").format(
                    number=line, department=key
                ),
                hint=_("Nothing was changed; `storeops store list` names the departments."),
            )
        label = _plain_name(row.get("department_name") or row.get("name", ""))
        key = key or by_code.get(row["code"].casefold(), 0)
        same = by_name.get(label, []) if label else []
        if not key and len(same) == 1:
            key = same[0]
        likely: tuple[tuple[int, str], ...] = ()
        if not key and label:
            near = nearest(label, by_name)
            near += [each for each in by_name if label in each and each not in near][:3]
            likely = tuple((one, departments[one]) for each in near for one in by_name[each])
        if key and key in taken:
            raise UsageError(
                _("Lines {first} and {second} both mean department {department}.").format(
                    first=taken[key], second=line, department=key
                ),
                hint=_("Nothing was changed; give each shop its own department_id."),
            )
        if key:
            taken[key] = line
        name = row.get("name", "")
        shop = Shop(key, row["code"], "" if name == departments.get(key) else name,
                    row.get("region", ""))  # fmt: skip
        found.append(Match(line, shop, likely))
    return found


def import_stores(db: Database, source: str, now: float, *, dry_run: bool = False) -> Imported:
    """Take in the chain's list of shops; lines without a certain department stay open.

    Args:
        db: data.db.
        source: the file, CSV or workbook; "-" for stdin.
        now: Unix seconds.
        dry_run: only say what would happen.

    Raises:
        UsageError, NotFoundError: something in the list is wrong; nothing was changed.
        ConflictError: a number that another department has.
        PolicyError: head office keeps the list.
    """
    matches = match(db, read_list(source))
    certain = [each.shop for each in matches if each.shop.department_id]
    known = {each.department_id: each for each in list_shops(db)}
    fresh = [each for each in certain if known.get(each.department_id) != each]
    if not dry_run and fresh:
        save_shops(db, fresh, now)
    still_open = tuple(each for each in matches if not each.shop.department_id)
    return Imported(len(fresh), len(certain) - len(fresh), still_open)


def map_store(
    db: Database, department: str, *, code: str, name: str, region: str, now: float
) -> Shop:
    """Say which shop a department is; empty values leave what was known.

    Raises:
        NotFoundError, UsageError: as `show_store`.
        ConflictError: the number belongs to another department.
        PolicyError: head office keeps the list.
    """
    key = names_of(db).find_store(department, part=not department.isdecimal())
    before = {each.department_id: each for each in list_shops(db)}.get(key, Shop(key))
    shop = Shop(key, code or before.code, name or before.name, region or before.region)
    save_shops(db, [shop], now)
    return shop


def forget_store(db: Database, department: str) -> tuple[int, bool]:
    """Take a department's shop out; its id, and whether there was one.

    Raises:
        NotFoundError, UsageError: as `show_store`.
        PolicyError: head office keeps the list.
    """
    key = show_store(db, department).department_id
    return key, forget_shop(db, key)


def _plain_name(name: str) -> str:
    """A shop's name without what lists write differently."""
    text = name.casefold().replace(" ", "").replace("（", "(").replace("）", ")")
    return text.removesuffix("门店").removesuffix("店")
