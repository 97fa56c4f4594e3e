"""Order files: which columns mean what, and what one row says of an order and of a line of it."""

# ruff: noqa: E501 (headings are as wide as they are)

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import tzinfo
from functools import lru_cache
from typing import Any

from storeops.changes.sheets import EXTERNAL_USERID, PHONE, UNIONID, Field, SheetLine
from storeops.domains.orders import values
from storeops.i18n import _
from storeops.tables import typed

ORDER_NO = Field(
    "order_no",
    ("order no", "order number", "order id", "order_id", "orderid", "invoice_no", "invoice no",
     "invoice", "receipt", "receipt_no", "订单号", "订单编号", "单号", "小票号", "流水号", "交易单号",
     "商家订单号", "销售单号", "单据号", "退货单号"),
    "S20260501-0001",
    key=True,
)  # fmt: skip
# whose buyer columns name no customer of their own line here: the order number is the key
_BUYER = tuple(Field(each.name, each.aliases, each.example) for each in
               (EXTERNAL_USERID, UNIONID, PHONE))  # fmt: skip
HEAD = (
    ORDER_NO,
    Field(
        "paid_at",
        ("paid at", "paid time", "payment time", "date", "time", "datetime", "order time",
         "order_time", "order date", "invoice_at", "invoice_date", "invoice date", "付款时间",
         "支付时间", "下单时间", "交易时间", "成交时间", "销售时间", "日期", "时间", "销售日期",
         "订单时间", "退货时间"),
        "2026-05-01 14:30",
    ),
    Field(
        "status",
        ("order status", "order_status", "kind", "type", "订单状态", "状态", "交易状态", "类型",
         "单据类型"),
        "paid",
    ),
    Field("channel", ("platform", "渠道", "平台", "销售渠道", "来源渠道"), "till"),
    Field(
        "shop",
        ("store", "shop_code", "store_code", "shop code", "store code", "门店", "门店编码", "门店编号",
         "门店名称", "店铺", "店号"),
        "N001",
    ),
    Field(
        "seller",
        ("cashier", "salesperson", "sales person", "sold by", "seller_userid", "收银员", "成交人",
         "销售员", "营业员", "导购", "导购账号", "销售人员"),
        "zhangsan",
    ),
    Field(
        "server",
        ("served by", "served_by", "server_userid", "服务导购", "服务人", "分享人", "分享导购"),
        "lisi",
    ),
    Field(
        "original",
        ("original_order", "original order", "original_no", "original order no", "原单号",
         "原订单号", "关联单号", "关联订单号", "原销售单号"),
    ),
    Field(
        "total",
        ("order_amount", "order amount", "order total", "paid_amount", "paid amount", "实付",
         "实付金额", "实收", "实收金额", "订单金额", "订单实付", "合计", "合计金额"),
    ),
    Field("currency", ("币种", "货币"), "CNY"),
    *_BUYER,
    Field("phone_hash", ("mobile_hash", "phone md5", "phone_md5", "phone_sha256", "手机号md5",
                         "手机号哈希", "手机md5", "加密手机号")),
    Field("member", ("member_no", "member no", "membership", "card no", "card_no", "会员号",
                     "会员编号", "会员卡号", "卡号")),
)  # fmt: skip
LINE = (
    Field("line", ("line_no", "line no", "行号", "序号", "明细号")),
    Field(
        "code",
        ("sku", "sku_code", "stock_code", "stock code", "product_code", "product code", "article",
         "barcode", "item", "item_code", "商品编码", "商品编号", "货号", "条码", "款号", "商品条码",
         "sku编码", "商品代码"),
        "6901234567892",
    ),
    Field("product", ("product name", "product_name", "description", "item name", "商品", "商品名称",
                      "品名", "名称"), "Phone X 256 GB"),
    Field("quantity", ("qty", "count", "pieces", "数量", "件数", "销售数量"), "1"),
    Field("price", ("unit_price", "unit price", "单价", "售价", "成交价"), "2999.00"),
    Field("amount", ("line_amount", "line amount", "subtotal", "金额", "小计", "成交金额",
                     "商品金额", "行金额", "销售金额"), "2999.00"),
    Field("original_line", ("原行号",)),
)  # fmt: skip
FIELDS = (*HEAD, *LINE)
HEAD_KEYS = ("paid_at", "status", "currency", "channel", "shop", "seller", "server", "original",
             "total", "external_userid", "unionid", "phone", "phone_hash", "member")  # fmt: skip
_HASH = re.compile(r"[0-9a-f]{32}\Z|[0-9a-f]{40}\Z|[0-9a-f]{64}\Z")
_MASK = re.compile(r"(\d{1,7})-?[*xX×#●•＊＃]{2,}-?(\d{0,7})\Z")
_CURRENCY = re.compile(r"[A-Z]{3}\Z")
_CURRENCIES = {"人民币": "CNY", "RMB": "CNY", "元": "CNY", "¥": "CNY", "￥": "CNY"}
MOST_QUANTITY = 10**12
_SUMS = {"合计", "总计", "小计", "本页合计", "total", "subtotal", "grand total", "sum"}


@dataclass(frozen=True, slots=True)
class OrderRow:
    """What one row of a file says.

    Attributes:
        order_no: the order's number.
        line: its line in the file.
        head: values of `HEAD_KEYS`, JSON types, None or "" where the row does not say.
        body: (line's number or 0, code, product, thousandths, fen, original line), or None for a
            row that speaks of the order alone.
    """

    order_no: str
    line: int
    head: tuple[Any, ...]
    body: tuple[int, str, str, int, int, int] | None


class BadOrderRow(Exception):
    """Why a row cannot be taken; (code, sentence) in the user's language."""


@dataclass(slots=True)
class OrderReader:
    """Reads rows.

    Attributes:
        zone: of moments that name none.
        hash_phone: makes the keyed hash of a phone number; None to keep numbers.
        lines: rows hold lines of an order; False for heads of a second file.
        heads: rows hold the order's own values; False for a file of lines.
    """

    zone: tzinfo
    hash_phone: Callable[[str], str] | None = None
    lines: bool = True
    heads: bool = True
    _moment: Callable[[str], int | None] = field(init=False)
    _before: str = field(init=False, default="")  # number of the row before

    def __post_init__(self) -> None:
        self._moment = lru_cache(maxsize=1_000)(lambda text: typed.moment(text, self.zone))

    def read(self, line: SheetLine) -> OrderRow:
        """One row.

        Raises:
            BadOrderRow: it cannot be taken.
        """
        cells = line.cells
        number = self._before = self._number(cells)
        if not number:
            raise BadOrderRow("no_number", _("it has no order number"))
        if len(number) > 128:
            raise BadOrderRow("bad_number", _("its order number is longer than 128 characters"))
        head = self._head(cells) if self.heads else (None,) * len(HEAD_KEYS)
        body = self._body(cells, head) if self.lines else None
        return OrderRow(number, line.number, head, body)

    def number(self, line: SheetLine) -> str:
        """The number of a row's order; that of the row before where this one names an article and
        says nothing of an order, as where cells were merged. "" for none."""
        return self._number(line.cells)

    def _number(self, cells: Mapping[str, str]) -> str:
        number = typed.word(cells.get("order_no", ""))
        if number or not (self.lines and typed.word(cells.get("code", ""))):
            return number
        says = any(typed.word(cells.get(name, "")) for name in HEAD_KEYS if name != "total")
        return "" if says else self._before

    @staticmethod
    def is_sum(line: SheetLine) -> bool:
        """Whether a row sums others up: 合计 stands where an order has its number, or before any
        article."""
        if line.get("code").strip():
            return False
        words = (typed.word(line.get(name)).casefold() for name in ("order_no", "product"))
        return any(word.rstrip(":：") in _SUMS for word in words)

    def _head(self, cells: Any) -> tuple[Any, ...]:
        text = cells.get("paid_at", "").strip()
        paid_at = self._moment(text) if text else None
        if text and paid_at is None:
            raise BadOrderRow(
                "bad_time", _("“{value}” is no time (2026-05-01 14:30)").format(value=text[:40])
            )
        status = cells.get("status", "")
        total = self._money(cells, "total")
        currency = typed.word(cells.get("currency", "")).upper()
        currency = _CURRENCIES.get(currency, currency)
        if currency and not _CURRENCY.match(currency):
            raise BadOrderRow(
                "bad_currency", _("“{value}” is no currency (CNY)").format(value=currency[:40])
            )
        phone, hashed = self._phone(cells.get("phone", ""), cells.get("phone_hash", ""))
        word = typed.word
        return (
            paid_at, values.condition_of(typed.word(status)) if status else "", currency,
            word(cells.get("channel", "")), word(cells.get("shop", "")),
            word(cells.get("seller", "")), word(cells.get("server", "")),
            word(cells.get("original", "")), total, word(cells.get("external_userid", "")),
            word(cells.get("unionid", "")), phone, hashed, word(cells.get("member", "")),
        )  # fmt: skip

    def _body(self, cells: Any, head: tuple[Any, ...]) -> tuple[int, str, str, int, int, int]:
        quantity = 1000
        if text := cells.get("quantity", "").strip():
            found = values.decimal(text)
            if found is None or abs(found) > MOST_QUANTITY:
                raise BadOrderRow(
                    "bad_quantity", _("“{value}” is no quantity").format(value=text[:40])
                )
            quantity = int((found * 1000).to_integral_value())
        amount = self._money(cells, "amount")
        if amount is None and (text := cells.get("price", "").strip()):
            price = values.decimal(text)
            if price is None or abs(price) > values.MOST_FEN:
                raise _bad_money(text)
            amount = values.fen(price * quantity / 1000)
        if amount is None:
            total = head[HEAD_KEYS.index("total")]
            if total is None and self.heads:
                raise BadOrderRow("no_amount", _("it has no amount, price or total"))
            amount = total or 0
        if quantity < 0 < amount:
            amount = -amount
        elif amount < 0 < quantity:
            quantity = -quantity
        return (
            self._count(cells, "line"), typed.word(cells.get("code", "")),
            cells.get("product", "").strip()[:200], quantity, amount,
            self._count(cells, "original_line"),
        )  # fmt: skip

    def _money(self, cells: Any, name: str) -> int | None:
        text = cells.get(name, "").strip()
        if not text:
            return None
        found = values.decimal(text)
        if found is None or abs(found) * 100 > values.MOST_FEN:
            raise _bad_money(text)
        return values.fen(found)

    def _count(self, cells: Any, name: str) -> int:
        text = typed.word(cells.get(name, ""))
        if not text:
            return 0
        if not (text.isdecimal() and 0 < int(text) < 100_000):
            raise BadOrderRow(
                "bad_line", _("“{value}” is no number of a line").format(value=text[:40])
            )
        return int(text)

    def _phone(self, text: str, hashed: str) -> tuple[str, str]:
        """(digits or 138****1234, hex of a foreign hash or ours); ("?", "") for what is neither."""
        hashed = typed.word(hashed).lower()
        if text and _HASH.match(text.strip().lower()):
            hashed, text = text.strip().lower(), ""
        if hashed and not _HASH.match(hashed):
            text, hashed = text or hashed, ""
        text = text.strip()
        if not text:
            return "", hashed
        masked = _MASK.match(typed.word(text))
        if masked is not None:
            stars = max(2, 11 - len(masked[1]) - len(masked[2]))
            return f"{masked[1]}{'*' * stars}{masked[2]}", hashed
        number = typed.phone(text)
        if typed.phone_fault(text):
            return "?", hashed
        if self.hash_phone is not None:
            return "", f"k:{self.hash_phone(number)}"
        return number, hashed


def _bad_money(text: str) -> BadOrderRow:
    return BadOrderRow("bad_amount", _("“{value}” is no amount of money").format(value=text[:40]))
