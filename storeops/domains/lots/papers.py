"""The usual papers as rows: collections, production runs, deliveries, receipts, shelves, tills.

A row becomes an EPCIS event, so that there is one way in. What a scanner read (an element string,
a Digital Link) may stand where a GTIN is asked for.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from storeops import times
from storeops.domains.lots import gs1, vocabulary
from storeops.domains.lots.event import BadEventError
from storeops.domains.lots.gs1 import BadIdError
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.tables import typed
from storeops.tables.headings import Field
from storeops.tables.named import NamedRow, read_named

# kind → (words in the column, type, action, bizStep, disposition, type of its paper)
KINDS: dict[str, tuple[tuple[str, ...], str, str, str, str]] = {
    "collection": (("收奶", "采集"), "ADD", "commissioning", "active", "bol"),
    "production": (("生产", "加工"), "", "creating_class_instance", "active", "prodorder"),
    "delivery": (
        ("发货", "送货", "配送", "出货", "出库"),
        "OBSERVE",
        "shipping",
        "in_transit",
        "desadv",
    ),
    "receipt": (
        ("收货", "到货", "进货", "入库", "验收"),
        "OBSERVE",
        "receiving",
        "in_progress",
        "recadv",
    ),
    "stocking": (("上架", "陈列"), "OBSERVE", "stocking", "sellable_accessible", ""),
    "sale": (("销售", "售出"), "DELETE", "retail_selling", "retail_sold", "inv"),
    "disposal": (("报废", "销毁"), "DELETE", "destroying", "disposed", ""),
}
FIELDS = (
    Field("kind", ("类型", "单据类型", "业务类型"), "delivery"),
    Field("at", ("time", "date", "时间", "日期", "发生时间"), "2026-05-01 08:00"),
    Field(
        "item", ("gtin", "barcode", "product", "商品", "条码", "商品条码"), "06901234567892",
        key=True,
    ),
    Field("lot", ("batch", "batch_no", "lot_no", "批次", "批号", "生产批号"), "A1", key=True),
    Field("qty", ("quantity", "pieces", "count", "数量", "件数"), "240"),
    Field("unit", ("uom", "单位"), ""),
    Field("place", ("location", "gln", "where", "地点", "场所"), "6901234000009"),
    Field("from", ("source", "ship_from", "发货方", "来源", "发货地"), ""),
    Field("to", ("destination", "ship_to", "收货方", "去向", "收货地"), ""),
    Field("paper", ("document", "document_no", "单号", "单据号", "凭证号"), "DN-1"),
    Field("input_item", ("input_gtin", "原料条码", "原料"), ""),
    Field("input_lot", ("原料批次", "原料批号", "奶罐批次"), ""),
    Field("input_qty", ("原料数量",), ""),
    Field("input_unit", ("原料单位",), ""),
    Field("pallet", ("sscc", "托盘", "箱码"), ""),
    Field("temperature", ("temp", "温度"), ""),
)  # fmt: skip
_UNITS = {"l": "LTR", "升": "LTR", "公升": "LTR", "kg": "KGM", "公斤": "KGM", "千克": "KGM",
          "g": "GRM", "克": "GRM", "t": "TNE", "吨": "TNE", "ml": "MLT", "毫升": "MLT",
          **dict.fromkeys(typed.PIECES, "")}  # fmt: skip


def read_papers(path: str, kind: str = "") -> list[tuple[int, Any]]:
    """(line, event, or what is wrong with the row) of a file.

    Args:
        path: CSV or workbook.
        kind: of rows that do not say it.

    Raises:
        NotFoundError, UsageError: no table of papers.
    """
    if kind and kind not in KINDS:
        raise UsageError(
            _("There is no kind {name} of papers.").format(name=kind),
            hint=_("Known: {names}.").format(names=_(", ").join(KINDS)),
        )
    rows = read_named(path, FIELDS, ("at", "item"))
    if not kind and rows and not any(row.get("kind") for row in rows):
        raise UsageError(
            _("{file} does not say what its rows are.").format(file=path),
            hint=_("Add --kind: {names}.").format(names=_(", ").join(KINDS)),
        )
    runs: dict[tuple[str, str, str], dict[str, Any]] = {}
    found: list[tuple[int, Any]] = []
    for row in rows:
        try:
            if row.fault:
                raise BadEventError(row.fault)
            this = _kind(row.get("kind"), kind)
            event = _event(row, this)
            if this != "production":
                found.append((row.line, event))
                continue
            # rows of one production order are one run
            key = (row.get("paper"), row.get("place"), row.get("at"))
            known = runs.get(key) if row.get("paper") else None
            if known is None:
                runs[key] = event
                found.append((row.line, event))
            else:
                for name in ("inputQuantityList", "outputQuantityList"):
                    known[name] += [each for each in event[name] if each not in known[name]]
        except (BadEventError, BadIdError) as error:
            found.append((row.line, BadEventError(str(error))))
    return found


def _kind(text: str, default: str) -> str:
    word = text.casefold()
    for name, (words, *_rest) in KINDS.items():
        if word == name or word in words:
            return name
    if text or not default:
        raise BadEventError(
            _("“{value}” is no kind of paper ({names})").format(
                value=text[:20], names=_(", ").join(KINDS)
            )
        )
    return default


def _event(row: NamedRow, kind: str) -> dict[str, Any]:
    _words, action, step, disposition, paper = KINDS[kind]
    when = _time(row.get("at"))
    scanned = gs1.scanned(row.get("item"))
    pallet = scanned.get("sscc") or (gs1.scanned(row.get("pallet")).get("sscc", "")
                                     if row.get("pallet") else "")  # fmt: skip
    lot = row.get("lot") or scanned.get("lot", "")
    event: dict[str, Any] = {
        "type": "TransformationEvent" if kind == "production" else "ObjectEvent",
        "eventTime": when.isoformat(), "eventTimeZoneOffset": when.isoformat()[-6:],
        "bizStep": step, "disposition": disposition,
    }  # fmt: skip
    if action:
        event["action"] = action
    place = row.get("place") or row.get("from" if kind == "delivery" else "to")
    if not place:
        raise BadEventError(_("the place is missing"))
    event["bizLocation" if kind != "delivery" else "readPoint"] = {
        "id": gs1.place_uri(gs1.place(place))
    }
    for name, key in (("from", "source"), ("to", "destination")):
        if row.get(name):
            event[f"{key}List"] = [
                {"type": "location", key: gs1.place_uri(gs1.place(row.get(name)))}
            ]
    if row.get("paper"):
        entry = {"bizTransaction": f"urn:storeops:paper:{row.get('paper')}"}
        event["bizTransactionList"] = [{**entry, "type": paper} if paper else entry]
    if row.get("temperature"):
        event["sensorElementList"] = [{"sensorReport": [
            {"type": "Temperature", "value": _number(row.get("temperature"), "temperature", -100),
             "uom": "CEL"}
        ]}]  # fmt: skip
    if pallet and not scanned.get("item"):
        event["epcList"] = [gs1.uri("", pallet)]
        return event
    if not scanned.get("item"):
        raise BadEventError(_("“{value}” names no article").format(value=row.get("item")[:40]))
    quantity = _quantity(
        scanned["item"], lot, row.get("qty") or scanned.get("qty", ""), row.get("unit"), "qty"
    )
    if kind != "production":
        event["quantityList"] = [quantity]
        return event
    if not lot:
        raise BadEventError(_("a production run needs the lot that it made"))
    if not row.get("input_lot"):
        raise BadEventError(_("a production run needs the lots that went in (input_lot)"))
    into = gs1.scanned(row.get("input_item") or row.get("item"))
    event["inputQuantityList"] = [
        _quantity(into["item"], row.get("input_lot"), row.get("input_qty"),
                  row.get("input_unit"), "input_qty")
    ]  # fmt: skip
    event["outputQuantityList"] = [quantity]
    return event


def _quantity(item: str, lot: str, qty: str, unit: str, name: str) -> dict[str, Any]:
    found: dict[str, Any] = {"epcClass": gs1.uri(item, lot)}
    if qty:
        found["quantity"] = _number(qty, name, 0)
    word = unit.strip()
    code = _UNITS.get(word.casefold(), word.upper())
    if code and code not in vocabulary.UNITS:
        raise BadEventError(
            _("“{value}” is no unit (UN/ECE: {names})").format(
                value=word[:20], names=_(", ").join(sorted(vocabulary.UNITS))
            )
        )
    if code:
        found["uom"] = code
    return found


def _number(text: str, name: str, least: float) -> float:
    try:
        found = float(text.replace(",", ""))
    except ValueError:
        found = float("nan")
    if not least <= found < 1e12:
        raise BadEventError(
            _("{name}: “{value}” is no number of pieces or units").format(
                name=name, value=text[:20]
            )
        )
    return int(found) if found.is_integer() else found


def _time(text: str) -> datetime:
    """A moment of a paper; without an offset it is of the zone in use."""
    found = typed.moment(text, times.zone())
    if found is None:
        raise BadEventError(
            _("“{value}” is no time, such as 2026-05-01 08:00").format(value=text[:40])
        )
    return times.local(found)
