"""Suppliers and their papers as they are kept: lists, scans, and finding them again."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from storeops.database.database import Database
from storeops.domains.suppliers import numbers
from storeops.domains.suppliers.rules import PaperRules
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.private_file import scratch
from storeops.tables import typed
from storeops.tables.headings import Field
from storeops.tables.named import NamedRow, read_each

LONG_TERM = "long-term"
STATUSES = ("valid", "revoked", "cancelled", "suspended")
MOST_SCAN = 50_000_000  # bytes
SUPPLIER_FIELDS = (
    Field(
        "code", ("supplier", "supplier_code", "number", "供应商编号", "编号", "供应商"), "V001",
        key=True,
    ),
    Field("name", ("supplier_name", "供应商名称", "名称", "企业名称"), "东湖乳业"),
    Field("role", ("角色", "类型", "供应商类型"), "producer"),
    Field("uscc", ("credit_code", "统一社会信用代码", "信用代码"), ""),
    Field("address", ("地址", "住所"), ""),
    Field("categories", ("category", "品类", "经营范围"), ""),
)  # fmt: skip
PAPER_FIELDS = (
    Field("supplier", ("supplier_code", "code", "供应商编号", "供应商"), "V001", key=True),
    Field(
        "kind", ("paper", "证件", "证件类型", "证照", "证照类型", "证照名称", "类型"),
        "production_licence", key=True,
    ),
    Field(
        "number", ("paper_no", "证件编号", "证照编号", "证号", "编号", "许可证编号"),
        "SC10533050100012",
    ),
    Field("holder_uscc", ("uscc", "统一社会信用代码", "持证人信用代码"), ""),
    Field("address", ("地址", "生产地址"), ""),
    Field("categories", ("category", "品类", "类别", "许可范围"), ""),
    Field("lot", ("batch", "批次", "批号"), ""),
    Field(
        "valid_from", ("from", "发证日期", "有效期起", "有效期自", "生效日期", "签发日期"),
        "2024-05-01",
    ),
    Field("valid_until", ("until", "expires", "有效期至", "到期日"), "2029-04-30"),
    Field("status", ("状态",), ""),
    Field("scan", ("file", "扫描件", "文件"), ""),
)  # fmt: skip
_LONG = {"long-term", "long term", "longterm", "长期", "长期有效", "永久"}
_NEVER = date(9999, 12, 31)  # the day that registers write for "no end"
_STATUS_WORDS = {"有效": "valid", "正常": "valid", "吊销": "revoked", "注销": "cancelled",
                 "暂停": "suspended", "经营异常": "suspended"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class SupplierImport:
    """How an import ended: rows new or changed, rows that said what was known."""

    changed: int
    unchanged: int


def _listed(text: str) -> list[str]:
    return [each for each in re.split(r"[;,，；、|]\s*", text.strip()) if each]


def import_suppliers(db: Database, path: str, rules: PaperRules, now: float) -> SupplierImport:
    """Take in a list of suppliers, whole or not at all.

    Raises:
        NotFoundError, UsageError: a row that cannot be taken; nothing was changed.
    """
    known: set[str] = set()

    def make(row: NamedRow) -> tuple[Any, ...]:
        code, name = row.get("code"), row.get("name")
        if not (code and name and row.get("role")):
            raise UsageError(_("code, name and role are needed"))
        if code in known:
            raise UsageError(_("{code} stands in the list twice").format(code=code))
        known.add(code)
        return (
            code, name, rules.role(row.get("role")).name, numbers.plain_number(row.get("uscc")),
            row.get("address"), json.dumps(_listed(row.get("categories")), ensure_ascii=False),
        )  # fmt: skip

    found = read_each(path, SUPPLIER_FIELDS, ("code", "name", "role"), make)
    changed = 0
    with db.atomic() as connection:
        for each in found:
            before = connection.execute(
                "SELECT code, name, role, uscc, address, categories FROM suppliers_supplier"
                " WHERE code = ?",
                (each[0],),
            ).fetchone()
            if before == each:
                continue
            changed += 1
            connection.execute(
                "INSERT OR REPLACE INTO suppliers_supplier"
                " (code, name, role, uscc, address, categories, updated_at)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (*each, now),
            )
    return SupplierImport(changed, len(found) - changed)


def suppliers(db: Database) -> list[dict[str, Any]]:
    """Every supplier, by code."""
    rows = db.rows("SELECT * FROM suppliers_supplier ORDER BY code")
    return [{**row, "categories": json.loads(row["categories"])} for row in rows]


def supplier(db: Database, who: str) -> dict[str, Any]:
    """One supplier by code, name, or a part of the name that only one has.

    Raises:
        NotFoundError: there is none.
        UsageError: more than one.
    """
    from storeops.spelling import did_you_mean

    listed = suppliers(db)
    exact = [each for each in listed if who in (each["code"], each["name"])]
    found = exact or [each for each in listed if who and who in each["name"]]
    if len(found) == 1:
        return found[0]
    if found:
        raise UsageError(
            _("{name} may be {names}.").format(
                name=who, names=_(", ").join(f"{each['code']} {each['name']}" for each in found[:5])
            ),
            hint=_("Write the supplier's number."),
        )
    raise NotFoundError(
        _("There is no supplier {name}.").format(name=who),
        hint=did_you_mean(
            who, [each["name"] for each in listed], _("`storeops supplier list` names them.")
        ),
    )


def day_or_long(text: str) -> str:
    """A day as 2026-05-01, long-term, or "".

    Raises:
        UsageError: neither.
    """
    if text.strip().casefold() in _LONG:
        return LONG_TERM
    found = typed.day(text)
    if found == _NEVER:
        return LONG_TERM
    return found.isoformat() if found else ""


@dataclass(frozen=True, slots=True)
class Paper:
    """A paper as it is kept; texts as in `suppliers_paper`."""

    supplier: str
    kind: str
    number: str
    holder_uscc: str = ""
    address: str = ""
    categories: tuple[str, ...] = ()
    lot: str = ""
    valid_from: str = ""
    valid_until: str = ""
    status: str = "valid"
    file: str = ""
    sha256: str = ""


def paper_of(row: NamedRow, rules: PaperRules) -> Paper:
    """A paper of a row of a list.

    Raises:
        UsageError: the kind, a day or the status is not understood.
    """
    kind = rules.kind(row.get("kind"))
    status = _STATUS_WORDS.get(row.get("status"), row.get("status").casefold() or "valid")
    if status not in STATUSES:
        raise UsageError(
            _("There is no status {status}.").format(status=row.get("status")[:20]),
            hint=_("Known: {names}.").format(names=_(", ").join(STATUSES)),
        )
    first, last = day_or_long(row.get("valid_from")), day_or_long(row.get("valid_until"))
    if first == LONG_TERM:
        first = ""
    if first and last and last != LONG_TERM and last < first:
        raise UsageError(
            _("It ends on {last}, before it begins on {first}.").format(first=first, last=last)
        )
    number = row.get("number")
    return Paper(
        row.get("supplier"), kind.name,
        number.strip() if kind.form == "free" else numbers.plain_number(number),
        numbers.plain_number(row.get("holder_uscc")), row.get("address"),
        tuple(_listed(row.get("categories"))), row.get("lot"), first, last, status,
    )  # fmt: skip


def read_papers_list(path: str, rules: PaperRules) -> list[tuple[Paper, str]]:
    """(paper, name of its scan) of every row of a list.

    Raises:
        NotFoundError, UsageError: a row that cannot be taken.
    """
    return read_each(
        path, PAPER_FIELDS, ("supplier", "kind", "number"),
        lambda row: (paper_of(row, rules), row.get("scan")),
    )  # fmt: skip


def keep_scan(folder: Path, scan: str) -> tuple[str, str]:
    """Keep a scan under its hash; (name in the folder, sha256).

    Args:
        folder: of the profile's scans; made when it is missing.
        scan: path of the file.

    Raises:
        NotFoundError: it cannot be read.
        UsageError: it is too large.
    """
    from storeops.tables.content import read_bytes

    content = read_bytes(scan)
    if len(content) > MOST_SCAN:
        raise UsageError(
            _("{file} is larger than {limit} MB.").format(file=scan, limit=MOST_SCAN // 10**6)
        )
    digest = hashlib.sha256(content).hexdigest()
    suffix = re.sub(r"[^a-z0-9.]", "", Path(scan).suffix.lower())[:8]
    name = f"{digest}{suffix}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not (folder / name).is_file():
        with scratch(folder / name) as part:
            part.file.write(content)
            part.put()
    return name, digest


def add_papers(db: Database, papers: Sequence[Paper], now: float) -> SupplierImport:
    """Keep papers; one that is known is brought up to date, its scan kept when none is given.

    Raises:
        NotFoundError: of a supplier that is not known; nothing was changed.
    """
    known = {each["code"] for each in suppliers(db)}
    for each in papers:
        if each.supplier not in known:
            raise NotFoundError(_("There is no supplier {name}.").format(name=each.supplier))
    changed = 0
    columns = "holder_uscc, address, categories, valid_from, valid_until, status, file, sha256"
    with db.atomic() as connection:
        for each in papers:
            key = (each.supplier, each.kind, each.number, each.lot)
            before = connection.execute(
                f"SELECT {columns} FROM suppliers_paper"
                " WHERE supplier = ? AND kind = ? AND number = ? AND lot = ?",
                key,
            ).fetchone()
            file, sha256 = each.file, each.sha256
            if before is not None and not file:
                file, sha256 = before[6], before[7]
            after = (
                each.holder_uscc, each.address, json.dumps(each.categories, ensure_ascii=False),
                each.valid_from, each.valid_until, each.status, file, sha256,
            )  # fmt: skip
            if before == after:
                continue
            changed += 1
            connection.execute(
                "INSERT INTO suppliers_paper (supplier, kind, number, lot,"
                f" {columns}, added_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
                " ON CONFLICT (supplier, kind, number, lot) DO UPDATE SET"
                " holder_uscc = excluded.holder_uscc, address = excluded.address,"
                " categories = excluded.categories, valid_from = excluded.valid_from,"
                " valid_until = excluded.valid_until, status = excluded.status,"
                " file = excluded.file, sha256 = excluded.sha256",
                (*key, *after, now),
            )
    return SupplierImport(changed, len(papers) - changed)


def papers(db: Database, code: str = "") -> list[Paper]:
    """Papers of a supplier, of all when `code` is ""; by supplier, kind and number."""
    return _papers(db, "? IN ('', supplier) ORDER BY supplier, kind, number, lot", code)


def _papers(db: Database, condition: str, argument: str) -> list[Paper]:
    rows = db.rows(
        "SELECT supplier, kind, number, holder_uscc, address, categories, lot, valid_from,"
        f" valid_until, status, file, sha256 FROM suppliers_paper WHERE {condition}",
        (argument,),
    )
    return [Paper(**{**row, "categories": tuple(json.loads(row["categories"]))}) for row in rows]


def by_number(db: Database, numbers_: Collection[str]) -> dict[str, list[Paper]]:
    """Papers that have one of these numbers, by number."""
    found: dict[str, list[Paper]] = {}
    asked = json.dumps(sorted(numbers_))
    for paper in _papers(db, "number IN (SELECT value FROM json_each(?))", asked):
        found.setdefault(paper.number, []).append(paper)
    return found
