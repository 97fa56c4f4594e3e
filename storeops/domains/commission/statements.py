"""Statements: what guides and shops have of a month, two sets of rules side by side, pay slips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import IO, Any

from storeops import times
from storeops.database.database import Database
from storeops.domains.commission.allocation import ROLE_NAMES, describe
from storeops.domains.commission.entries import CommissionEntry
from storeops.domains.commission.months import CommissionMonth, reckon, rules_of
from storeops.domains.commission.rules import CommissionRule
from storeops.domains.orders.values import yuan
from storeops.errors import UsageError
from storeops.export_file import refuse_taken, whole_file
from storeops.i18n import _
from storeops.mirror import members
from storeops.plain import plain


@dataclass(frozen=True, slots=True)
class StatementRow:
    """What one guide (or a shop's pool) has of a month in one shop.

    Attributes:
        userid: "" the pool.
        name: of the member; "" unknown.
        shop: as orders name it.
        lines: lines with a share.
        sales_fen, returns_fen, changes_fen: shares by kind; they sum to share_fen.
        share_fen, pay_fen: sums.
    """

    userid: str
    name: str
    shop: str
    lines: int
    sales_fen: int
    returns_fen: int
    changes_fen: int
    share_fen: int
    pay_fen: int


def names_of(db: Database, entries: Sequence[CommissionEntry]) -> dict[str, str]:
    """userid → name of everybody who has a share and is known."""
    userids = {each.share.userid for each in entries} - {""}
    found = members.by_userids(db, userids)
    return {each: found[each.lower()].name for each in userids if each.lower() in found}


def statement(db: Database, month: CommissionMonth) -> list[StatementRow]:
    """Guides and pools by shop, the largest share first."""
    names = names_of(db, month.entries)
    groups: dict[tuple[str, str], list[CommissionEntry]] = {}
    for each in month.entries:
        groups.setdefault((each.share.userid, each.shop), []).append(each)
    rows = []
    for (userid, shop), entries in groups.items():
        sums = {"sale": 0, "return": 0, "change": 0}
        for each in entries:
            sums[each.kind] += each.share.share_fen
        rows.append(
            StatementRow(
                userid, names.get(userid, ""), shop, len({each.key for each in entries}),
                sums["sale"], sums["return"], sums["change"], sum(sums.values()),
                sum(each.pay_fen for each in entries),
            )
        )  # fmt: skip
    return sorted(rows, key=lambda each: (not each.userid, -each.share_fen, each.userid, each.shop))


def compare(
    db: Database,
    month: str,
    before: Sequence[CommissionRule] | None,
    after: Sequence[CommissionRule] | None,
) -> list[dict[str, Any]]:
    """A month by two sets of rules, guide by guide; the largest difference first.

    Args:
        db: data.db.
        month: 2026-10.
        before, after: rules; None for those in force, or that it was closed with.
    """
    own = rules_of(db, month)
    sides = [reckon(db, month, own if rules is None else rules).entries
             for rules in (before, after)]  # fmt: skip
    names = names_of(db, [*sides[0], *sides[1]])
    rows: dict[str, dict[str, Any]] = {}
    for side, entries in zip(("before", "after"), sides, strict=True):
        for each in entries:
            row = rows.setdefault(
                each.share.userid,
                {"userid": each.share.userid, "name": names.get(each.share.userid, ""),
                 "share_fen_before": 0, "share_fen_after": 0, "pay_fen_before": 0,
                 "pay_fen_after": 0},
            )  # fmt: skip
            row[f"share_fen_{side}"] += each.share.share_fen
            row[f"pay_fen_{side}"] += each.pay_fen
    for row in rows.values():
        row["share_fen_difference"] = row["share_fen_after"] - row["share_fen_before"]
        row["pay_fen_difference"] = row["pay_fen_after"] - row["pay_fen_before"]
    return sorted(rows.values(), key=lambda row: (-abs(row["share_fen_difference"]), row["userid"]))


# -- pay slips ------------------------------------------------------------------------------------


def _headings() -> list[str]:
    return [
        _("Paid"), _("Order line"), _("Shop"), _("Amount of the line"), _("Role"),
        _("Share, yuan"), _("Pay, yuan"), _("Rule"), _("Why"),
    ]  # fmt: skip


def _cells(entry: CommissionEntry) -> list[Any]:
    rule = f"{entry.rule} v{entry.rule_version}" if entry.rule else ""
    return [
        times.minute(entry.paid_at), f"{entry.key[1]}#{entry.key[2]}", entry.shop,
        entry.amount_fen, _(ROLE_NAMES[entry.share.role]), entry.share.share_fen, entry.pay_fen,
        rule, describe(entry.share.reason),
    ]  # fmt: skip


def _title(month: CommissionMonth, who: str) -> str:
    return _("Pay slip {month}, {who} ({state})").format(
        month=month.month, who=who, state=month.state
    )


def write_slips(
    db: Database, month: CommissionMonth, folder: str, kind: str, *, over: bool = False
) -> list[tuple[str, str, int]]:
    """Write a pay slip for every guide, and one for the pools.

    Args:
        db: data.db.
        month: reckoned or closed.
        folder: made when it is not there.
        kind: xlsx | html.
        over: replace files that are there.

    Returns:
        (file, userid, share in fen) of each.

    Raises:
        UsageError: a file is there, and `over` is false; it is no folder.
        ConfigError: it cannot be written.
    """
    target = Path(folder).expanduser()
    if target.exists() and not target.is_dir():
        raise UsageError(_("{path} is no folder.").format(path=folder))
    target.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = names_of(db, month.entries)
    groups: dict[str, list[CommissionEntry]] = {}
    for each in month.entries:
        groups.setdefault(each.share.userid, []).append(each)
    slips: list[tuple[Path, str, str, list[CommissionEntry]]] = []
    written = []
    for userid, entries in sorted(groups.items()):
        who = " ".join(filter(None, (names.get(userid, ""), userid))) or _("shop pool")
        safe = (
            "".join(each if each.isalnum() or each in "-_.@" else "_" for each in userid) or "pool"
        )
        path = target / f"{month.month}-{safe}.{kind}"
        taken = {str(each[0]).lower() for each in slips}
        while str(path).lower() in taken:  # `a/b` beside `a:b`, or a guide whose id is `pool`
            path = path.with_stem(path.stem + "_")
        slips.append((path, userid, who, entries))
    if not over:
        for path, *_more in slips:
            refuse_taken(path, _("Replace them with --force, or name another folder."))
    for path, userid, who, entries in slips:
        with whole_file(path, over) as file:
            (_write_xlsx if kind == "xlsx" else _write_html)(file, _title(month, who), entries)
        written.append((str(path), userid, sum(each.share.share_fen for each in entries)))
    return written


def _write_html(file: IO[bytes], title: str, entries: Sequence[CommissionEntry]) -> None:
    def cell(value: Any) -> str:
        if isinstance(value, int):
            return f'<td class="n">{yuan(value)}</td>'
        return f"<td>{escape(plain(str(value)))}</td>"

    head = "".join(f"<th>{escape(each)}</th>" for each in _headings())
    rows = "\n".join(f"<tr>{''.join(map(cell, _cells(each)))}</tr>" for each in entries)
    share = sum(each.share.share_fen for each in entries)
    pay = sum(each.pay_fen for each in entries)
    file.write(
        f"""<!doctype html>
<html><head><meta charset="utf-8"><title>{escape(plain(title))}</title>
<style>
body {{ font: 14px system-ui, sans-serif; margin: 2em }}
table {{ border-collapse: collapse }}
th, td {{ border-bottom: 1px solid #ccc; padding: 4px 10px; text-align: left }}
.n {{ text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }}
tfoot td {{ font-weight: bold; border-top: 2px solid #333 }}
@media print {{ body {{ margin: 0 }} }}
</style></head><body>
<h1>{escape(plain(title))}</h1>
<table><thead><tr>{head}</tr></thead>
<tbody>
{rows}
</tbody>
<tfoot><tr><td colspan="5">{escape(_("Total"))}</td><td class="n">{yuan(share)}</td>
<td class="n">{yuan(pay)}</td><td colspan="2"></td></tr></tfoot></table>
</body></html>
""".encode()
    )


def _write_xlsx(file: IO[bytes], title: str, entries: Sequence[CommissionEntry]) -> None:
    import io

    import xlsxwriter  # 40 ms, only here

    data = io.BytesIO()
    book = xlsxwriter.Workbook(data, {"in_memory": True})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    money = book.add_format({"num_format": "#,##0.00"})
    total = book.add_format({"num_format": "#,##0.00", "bold": True, "top": 1})
    sheet.write_string(0, 0, plain(title), bold)
    for column, text in enumerate(_headings()):
        sheet.write_string(2, column, text, bold)
    for row, entry in enumerate(entries, 3):
        for column, value in enumerate(_cells(entry)):
            if isinstance(value, int):
                sheet.write_number(row, column, value / 100, money)
            else:
                sheet.write_string(row, column, plain(str(value)))
    last = len(entries) + 3
    sheet.write_string(last, 0, _("Total"), bold)
    sheet.write_number(last, 5, sum(each.share.share_fen for each in entries) / 100, total)
    sheet.write_number(last, 6, sum(each.pay_fen for each in entries) / 100, total)
    for column, width in enumerate((17, 20, 12, 14, 10, 12, 12, 16, 60)):
        sheet.set_column(column, column, width)
    sheet.freeze_panes(3, 0)
    book.close()
    file.write(data.getvalue())
