"""How one sees that a table holds what tills sold, where something else is wanted."""

from storeops.i18n import N_
from storeops.tables.named import OtherTable

RECEIPTS = OtherTable(
    (
        "paid_at", "paid at", "paid time", "payment time", "paid_amount", "paid amount", "cashier",
        "付款时间", "支付时间", "交易时间", "成交时间", "销售时间", "销售日期", "收银时间", "实付",
        "实付金额", "实收", "实收金额", "成交金额", "销售金额", "销售数量", "收银员",
    ),
    N_("{file} holds receipts: it has the column {name}."),
    N_("What tills sold is taken in by: storeops order import FILE --source NAME"),
)  # fmt: skip
