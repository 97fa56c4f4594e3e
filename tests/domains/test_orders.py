"""Orders: taken in once however often, in every shape, and matched without guessing."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
import threading
from pathlib import Path

import pytest

from storeops import domain, paths
from storeops.domains.orders import bgnbd, matching, summary, values
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.mirror import column_store
from storeops.reading import query

HEAD = "order_no,paid_at,status,shop,phone,code,quantity,price,amount,original\n"
NOW = "2026-10-20 09:00"


def take(chain, text, source="till", **how):
    path = how.pop("path", None) or chain.file(text)
    return import_orders(chain.db, OrderRequest(source, path, **how), chain.at(NOW))


def orders(chain):
    return {
        row["order_no"]: row
        for row in chain.db.rows("SELECT * FROM orders_order ORDER BY order_no")
    }


def dump(chain):
    """Every row of orders, but when a source was read last."""
    tables = chain.db.execute("SELECT name FROM sqlite_master WHERE name GLOB 'orders_*'"
                              " AND type = 'table' AND name <> 'orders_source'")  # fmt: skip
    return {name: sorted(map(str, chain.db.execute(f"SELECT * FROM {name}")))
            for (name,) in tables.fetchall()}  # fmt: skip


def test_a_file_is_taken_in_once(chain, cli) -> None:
    li = chain.person("李", "13800000001")
    text = (
        HEAD + "S1,2026-05-01 10:00,,N1,13800000001,P1,2,10.00,,\n"
        "S2,2026-05-02 10:00,,N1,13800000009,P1,1,10,,\n"
        "S1,,,,,P2,1,0.505,,\n"  # lines of one order lie anywhere
        "R1,2026-05-03 10:00,,N1,13800000001,P1,-1,10.00,,S1\n"
        "S3,2026-05-32,,N1,,P1,1,1,,\n"
        ",2026-05-03,,N1,,P1,1,1,,\n"
    )
    path = chain.file(text)
    answer = cli("order", "import", path, "--source", "till", "--channel", "till", "--json")
    assert answer.code == 6
    assert answer.json == {
        "source": "till", "lines": 6, "orders": 3, "added": 3, "changed": 0, "unchanged": 0,
        "returns": 1, "matched": 2, "unmatched": 1, "ambiguous": 0,
        "problems": [
            {"line": 6, "message": "line 6: “2026-05-32” is no time (2026-05-01 14:30);"
             " its order S3 is left out"},
            {"line": 7, "message": "line 7: it has no order number"},
        ],
    }  # fmt: skip
    found = orders(chain)
    assert found["S1"]["amount_fen"] == 2051  # half a fen up
    assert found["R1"]["status"] == "return"
    assert found["R1"]["amount_fen"] == -1000
    row = chain.db.rows("SELECT * FROM orders_customer")[0]
    assert (row["external_userid"], row["orders"], row["returns"], row["spent_fen"]) == (
        li, 1, 1, 1051,
    )  # fmt: skip
    before = dump(chain)
    again = cli("order", "import", path, "--source", "till", "--json").json
    assert (again["added"], again["changed"], again["unchanged"]) == (0, 0, 3)
    assert dump(chain) == before


def test_a_correction_is_a_new_version(chain, cli) -> None:
    chain.person("li", "13800000001")
    chain.person("wu", "13800000002")
    take(chain, HEAD + "S1,2026-05-01,,N1,13800000001,P1,1,10,,\n")
    done = take(chain, HEAD + "S1,2026-05-01,,N1,13800000002,P1,1,12,,\n")
    assert (done.changed, done.matched) == (1, 1)
    found = cli("order", "show", "S1", "--json").json
    assert (found["version"], found["amount_fen"], found["customer"]) == (2, 1200, "wu")
    assert [each["amount_fen"] for each in found["versions"]] == [1000]
    assert "13800000002" not in json.dumps(found)
    rows = chain.db.rows("SELECT external_userid, spent_fen FROM orders_customer")
    assert [each["spent_fen"] for each in rows] == [1200]


@pytest.mark.parametrize(
    ("rows", "status", "amounts"),
    [
        (["S1,2026-05-01,已取消,,,P1,1,10,,"], "cancelled", [1000]),
        (["S1,2026-05-01,退款成功,,,P1,1,10,,"], "cancelled", [1000]),
        (["S1,2026-05-01,退货,,,P1,1,10,,"], "return", [-1000]),
        (["S1,2026-05-01,退款中,,,P1,1,10,,"], "paid", [1000]),
        (["S1,2026-05-01,,,,P1,-2,10,,"], "return", [-2000]),
        (["S1,2026-05-01,,,,P1,2,,-20,"], "return", [-2000]),
        (["S1,2026-05-01,,,,P1,2,10,,", "S1,,,,,P2,-1,5,,"], "paid", [2000, -500]),
    ],
)
def test_returns_and_cancellations(chain, rows, status, amounts) -> None:
    done = take(chain, HEAD + "\n".join(rows))
    assert list(done.problems) == []
    row = orders(chain)["S1"]
    assert row["status"] == status
    assert row["amount_fen"] == (0 if status == "cancelled" else sum(amounts))
    lines = chain.db.execute("SELECT amount_fen FROM orders_line ORDER BY line")
    assert [each for (each,) in lines] == amounts


def test_a_sale_that_is_given_back_under_its_own_number(chain) -> None:
    take(chain, HEAD + "S1,2026-05-01,paid,,,P1,1,10,,\n")
    text = HEAD + "S1,2026-05-01,退货,,,P1,1,10,,\n"
    assert take(chain, text).changed == 1
    assert orders(chain)["S1"]["status"] == "cancelled"
    assert take(chain, text).unchanged == 1


def test_what_was_paid_is_shared_by_the_lines(chain) -> None:
    text = (
        "订单号,付款时间,实付金额,商品编码,数量,单价\n"
        "S1,2026/5/1 9:05,￥99.99,A,1,50\nS1,2026/5/1 9:05,￥99.99,B,1,50\nS1,,,C,1,￥50.00\n"
    )
    take(chain, text)
    assert orders(chain)["S1"]["amount_fen"] == 9999
    lines = [each for (each,) in chain.db.execute("SELECT amount_fen FROM orders_line")]
    assert lines == [3333, 3333, 3333]


def test_shapes_of_files(chain, cli, monkeypatch) -> None:
    import openpyxl
    import pyarrow
    import pyarrow.parquet

    rows = [("S1", "2026-05-01 10:00", "A", 1, 5.5), ("S2", "2026-05-02 10:00", "B", 2, 1.25)]
    names = ("order_no", "paid_at", "code", "quantity", "price")
    chain.folder.mkdir(exist_ok=True)
    book = openpyxl.Workbook()
    for row in (("Sales of May",), names, *rows):
        book.active.append(row)
    book.save(chain.folder / "a.xlsx")
    columns = dict(zip(names, zip(*rows, strict=True), strict=True))
    pyarrow.parquet.write_table(pyarrow.table(columns), chain.folder / "a.parquet")
    nested = [
        {"order_no": no, "paid_at": at, "lines": [{"code": code, "quantity": n, "price": price}]}
        for no, at, code, n, price in rows
    ]
    chain.file("\n".join(map(json.dumps, nested)) + "\n[1]\n", "a.ndjson")
    chain.file("order_no,paid_at\nS1,2026-05-01 10:00\nS2,2026-05-02 10:00\n", "heads.csv")
    chain.file("order_no,code,quantity,price\nS2,B,2,1.25\nS1,A,1,5.5\n", "lines.csv")
    want = None
    for source, name, how in (
        ("xlsx", "a.xlsx", {}),
        ("parquet", "a.parquet", {}),
        ("ndjson", "a.ndjson", {}),
        ("two", "heads.csv", {"lines": str(chain.folder / "lines.csv")}),
    ):
        done = take(chain, "", source, path=str(chain.folder / name), **how)
        assert (done.added, len(list(done.problems))) == (2, int(source == "ndjson")), source
        found = chain.db.execute(
            "SELECT o.order_no, o.paid_at, l.code, l.quantity, l.amount_fen FROM orders_order o"
            " JOIN orders_line l ON l.order_id = o.id JOIN orders_source s ON s.id = o.source_id"
            " WHERE s.name = ? ORDER BY 1",
            (source,),
        ).fetchall()
        want = want or found
        assert found == want
        assert found[0] == ("S1", chain.at("2026-05-01 10:00"), "A", 1000, 550)


def test_a_file_of_any_size_is_read_line_by_line(chain, monkeypatch) -> None:
    from storeops.tables import content

    monkeypatch.setattr(content, "_LARGE", 1)
    monkeypatch.setattr(content, "read_bytes", None)  # nothing is read as a whole
    for encoding, name in (("gb18030", "牛奶"), ("utf-8-sig", "酸奶"), ("utf-16", "奶酪")):
        path = chain.file("")
        text = f"订单号,付款时间,商品名称,金额\nS-{name},2026-05-01,{name},3\n"
        Path(path).write_text(text, encoding=encoding)
        done = take(chain, "", path=path)
        assert (done.added, list(done.problems)) == (1, [])
    names = chain.db.execute("SELECT name FROM orders_line ORDER BY 1").fetchall()
    assert sorted(each for (each,) in names) == sorted(["牛奶", "酸奶", "奶酪"])


def test_a_folder_that_is_looked_at_again(chain, cli, monkeypatch) -> None:
    import os

    first = chain.file(HEAD + "S1,2026-05-01,,,,P1,1,10,,\n", "day1.csv")
    chain.file("not a table of orders", "day2.csv")
    chain.file("x", "notes.md")
    for each in chain.folder.iterdir():
        os.utime(each, (1_700_000_000, 1_700_000_000))
    late = chain.file(HEAD + "S9,2026-05-01,,,,P1,1,10,,\n", "late.csv")  # still being written
    answer = cli("order", "import", str(chain.folder), "--source", "till", "--json")
    assert (answer.code, answer.json["added"]) == (6, 1)
    assert answer.json["problems"][0]["message"].startswith("day2.csv: ")
    (chain.folder / "day2.csv").unlink()
    os.utime(late, (1_700_000_000, 1_700_000_000))
    answer = cli("order", "import", str(chain.folder), "--source", "till", "--json")
    assert (answer.code, answer.json["lines"], answer.json["added"]) == (0, 1, 1)
    assert Path(first).exists()


def test_headings_are_remembered(chain, cli) -> None:
    text = "Beleg,Zeit,Betrag\nS1,2026-05-01,5\n"
    answer = cli("order", "import", chain.file(text), "--source", "till", "--json")
    assert answer.code == 2
    assert "no column order_no" in answer.error["message"]
    said = ("--column", "Beleg=order_no", "--column", "Zeit=paid_at", "--column", "Betrag=amount")
    assert cli("order", "import", chain.file(text), "--source", "till", *said).code == 0
    more = chain.file(text.replace("S1", "S2"))
    assert cli("order", "import", more, "--source", "till", "--json").json["added"] == 1


def test_zones_and_currencies(chain) -> None:
    take(chain, HEAD + "S1,2026-07-01 12:00,,,,P1,1,10,,\n", "uk", zone="Europe/London",
         currency="GBP")  # fmt: skip
    take(chain, HEAD + "S2,2026-07-01T12:00:00Z,,,,P1,1,10,,\n")
    take(chain, HEAD + "S3,1782907200000,,,,P1,1,10,,\n")
    found = orders(chain)
    assert found["S1"]["paid_at"] == chain.at("2026-07-01 19:00")
    assert found["S2"]["paid_at"] == found["S3"]["paid_at"] == chain.at("2026-07-01 20:00")
    assert [found[each]["currency"] for each in ("S1", "S2")] == ["GBP", "CNY"]


# -- who was it -----------------------------------------------------------------------------------


def test_who_appears_later_is_matched_then(chain, cli) -> None:
    head = "order_no,external_userid,phone,unionid,paid_at,amount\n"
    rows = ["S1,,13700000001,,2026-05-01,1", "S2,,137****0001,,2026-05-02,1",
            "S3,,,union9,2026-05-02,1", f"S4,{'wmnew':x<32},,,2026-05-02,1"]  # fmt: skip
    assert take(chain, head + "\n".join(rows)).unmatched == 4
    chain.person("other", "13600000001")
    domain.refreshed(chain.db, chain.at(NOW))
    assert matching.report(chain.db).matched == 0
    chain.person("new", "+8613700000001", unionid="union9")
    domain.refreshed(chain.db, chain.at(NOW))
    assert matching.report(chain.db).matched == 4
    assert chain.db.rows("SELECT orders FROM orders_customer")[0]["orders"] == 4
    # a number that another one gets later: what was bought stays, what comes is asked about
    chain.person("heir", "13700000001")
    domain.refreshed(chain.db, chain.at(NOW))
    assert matching.report(chain.db).matched == 4
    done = take(chain, head + "-S5,,13700000001,,2026-06-01,1")
    assert (done.matched, done.ambiguous) == (0, 1)
    said = cli("order", "list", "--ambiguous").err
    assert "storeops order match --order=-S5 --customer=ID" in said
    (step,) = re.findall(r"storeops order show .*", said)
    steps = re.findall(r"storeops order match .*", cli(*shlex.split(step)[1:]).err)
    assert len(steps) == 2
    assert cli(*shlex.split(steps[0])[1:]).code == 0
    assert "order match" not in cli(*shlex.split(step)[1:]).err
    # a number that somebody gets by a changed remark
    take(chain, head + "S6,,13500000001,,2026-06-01,1")
    chain.person("other", "13600000001", "13500000001", seen="2026-06-02", source="event")
    domain.refreshed(chain.db, chain.at(NOW))
    assert orders(chain)["S6"]["customer_id"] is not None


def test_phones_may_be_kept_as_hashes_only(chain, cli) -> None:
    chain.person("li", "13800000001")
    text = HEAD + "S1,2026-05-01,,N1,13800000001,P1,1,10,,\nS2,2026-05-01,,,13811112222,P1,1,1,,\n"
    answer = cli("order", "import", chain.file(text), "--source", "till", "--hash-phones", "--json")
    assert (answer.json["matched"], answer.json["unmatched"]) == (1, 1)
    chain.db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert b"13811112222" not in paths.data_db("chain").read_bytes()
    chain.person("wu", "13811112222")
    domain.refreshed(chain.db, chain.at(NOW))
    assert orders(chain)["S2"]["customer_id"] is not None


def test_a_person_says_whose_it_is(chain, cli) -> None:
    one = chain.person("a", "13900000001")
    chain.person("b", "13900000001")
    take(chain, HEAD + "S1,2026-05-01,,N1,13900000001,P1,1,10,,\nS2,2026-05-01,,,,P1,1,1,,\n")
    shown = cli("order", "show", "S1", "--json").json
    assert [each["name"] for each in shown["candidates"]] == ["a", "b"]
    for order in ("S1", "S2"):
        assert cli("order", "match", "--order", order, "--customer", one).code == 0
    assert cli("order", "match", "--json").json["matched"] == 2
    assert cli("order", "list", "--customer", one, "--json").json["items"][0]["customer"] == "a"
    assert cli("order", "match", "--order", "S1", "--customer", "wmnobody").code == 5


def test_a_number_that_two_sources_have_is_told_by_the_source(chain, cli) -> None:
    one, two = chain.person("a", "13900000001"), chain.person("b")
    for source in ("till", "shop"):
        take(chain, HEAD + "S1,2026-05-01,,,,P1,1,1,,\n", source=source)
    words = ("order", "match", "--order", "S1", "--customer")
    refused = cli(*words, one)
    assert refused.code == 2
    assert "shop" in refused.err
    assert "--source NAME" in refused.err
    assert cli(*words, one, "--source", "Till").code == 0
    assert cli(*words, two, "--source", "shop").code == 0
    assert [
        cli("order", "show", "S1", "--source", source, "--json").json["external_userid"]
        for source in ("till", "shop")
    ] == [one, two]
    assert cli("order", "match", "--source", "till").code == 2
    assert cli(*words, one, "--source", "nowhere").code == 5


@pytest.mark.parametrize("by", ["x", "", "shop,day"])
def test_sums_are_made_by_one_of_four(chain, cli, by) -> None:
    answer = cli("order", "totals", "--by", by)
    assert answer.code == 2
    assert "shop, channel, source, day" in answer.err
    assert "status" not in answer.err


# -- what follows ---------------------------------------------------------------------------------


def test_conditions_columns_and_card(chain, cli) -> None:
    now = chain.app.clock.now()
    day = 86_400
    names = {}
    for name, phone in (("li", "13800000001"), ("wu", "13800000002"), ("zhou", "13800000003")):
        names[name] = chain.person(name, phone)
    text = HEAD
    for number, (back, phone, code, price) in enumerate(
        [(20, 1, "MILK", 5), (14, 1, "MILK", 5), (8, 1, "MILK", 5), (2, 1, "MILK", 5),
         (350, 2, "PHONE", 2999), (100, 3, "CASE", 99)]
    ):  # fmt: skip
        text += (
            f"S{number},{int(now - back * day)},,N{phone},1380000000{phone},{code},1,{price},,\n"
        )
    products = "code,name,category,warranty_months,gtin\nPHONE,Phone X,phones/5G,12,6901234567892\n"
    assert cli("product", "import", chain.file(products + "BAD,,,,6901234567890\n")).code == 6
    take(chain, text, channel="till")
    cli("value", "run", "--as-of", "today")

    def who(where):
        found = cli("customer", "list", "--where", where, "--json")
        assert found.code == 0, found.err
        return {each["name"] for each in found.json["items"]}

    for where, want in {
        "spent:>1000": {"wu"}, "spent:<=99": {"li", "zhou"}, "消费:≥99": {"wu", "zhou"},
        "orders:>=3": {"li"}, "orders:1": {"wu", "zhou"},
        "last-order:>60d": {"wu", "zhou"}, "last-order:<7d": {"li"},
        "bought:MILK": {"li"}, "bought:phones": {"wu"}, "bought:phones/5G,case": {"wu", "zhou"},
        "!bought:milk": {"wu", "zhou"}, "channel:till": {"li", "wu", "zhou"},
        "shop-bought:N2": {"wu"}, "warranty:<30d": {"wu"}, "next:<7d": {"li"},
        "segment:champion": set(), "segment:重要价值": set(),
    }.items():  # fmt: skip
        assert who(where) == want, where
    assert cli("customer", "list", "--where", "spent:lots").code == 2
    row = cli("customer", "list", "--where", "spent:>1000", "--json").json["items"][0]
    assert (row["spent_fen"], row["orders"]) == (299_900, 1)
    card = cli("customer", "show", names["li"], "--json").json
    due = card["sections"]["purchases"]["data"]["due"]
    assert due[0]["code"] == "MILK"
    shown = cli("value", "show", names["li"], "--json").json
    assert len(shown["reasons"]) == 3
    assert len(shown["next"][0]["last"]) == 3
    assert shown["next"][0]["mean_gap_s"] == 6 * day


def test_value_equals_a_plain_reckoning(chain) -> None:
    import random

    from storeops.domains.orders import value

    dice = random.Random(5)
    text, truth = HEAD, {}
    for index in range(60):
        chain.person(f"p{index}", f"138{index:08d}")
        for number in range(dice.choice((1, 1, 1, 2, 3, 8))):
            day, fen = dice.randint(1, 30), dice.randint(100, 90_000)
            text += (f"S{index}-{number},2026-09-{day:02d} 10:00,,,138{index:08d},P,1,"
                     f"{fen / 100},,\n")  # fmt: skip
            truth.setdefault(index, []).append((day, fen))
    take(chain, text)
    done = value.run_value(chain.db, chain.at("2026-10-01 03:00"))
    assert done.as_of == "2026-09-30"
    plain = {key: (30 - max(d for d, _f in rows), len(rows), sum(f for _d, f in rows))
             for key, rows in truth.items()}  # fmt: skip

    def cut(column):
        ordered = sorted(each[column] for each in plain.values())
        return [ordered[-(-len(ordered) * k // 5) - 1] for k in (1, 2, 3, 4)]

    cuts = [cut(column) for column in range(3)]
    rows = chain.db.rows("SELECT v.*, c.name FROM orders_value v JOIN customer c"
                         " ON c.id = v.customer_id")  # fmt: skip
    assert len(rows) == 60
    for row in rows:
        days, count, fen = plain[int(row["name"][1:])]
        assert (row["recency_days"], row["frequency"], row["monetary_fen"]) == (days, count, fen)
        assert row["r"] == 5 - sum(days > each for each in cuts[0])
        assert row["f"] == 1 + sum(count > each for each in cuts[1])
        assert row["m"] == 1 + sum(fen > each for each in cuts[2])
    # cut points stay: who bought nothing since keeps F and M though others bought more
    take(chain, text.replace("2026-09", "2026-10").replace("\nS", "\nT"))
    later = value.run_value(chain.db, chain.at("2026-11-01 03:00"))
    assert (later.renewed, later.cuts) == (False, done.cuts)
    assert value.run_value(chain.db, chain.at("2026-11-01 03:00"), renew=True).cuts != done.cuts


def test_bg_nbd_reproduces_the_published_parameters() -> None:
    """The tenth of CDNOW's customers that Fader and Hardie published (2,357 histories, weeks)."""
    import csv
    import gzip

    with gzip.open(Path(__file__).with_name("cdnow.csv.gz"), "rt") as file:
        found = [bgnbd.BuyingHistory(int(x), float(last), float(age))
                 for x, last, age in list(csv.reader(file))[1:]]  # fmt: skip
    assert len(found) == 2_357
    fitted = bgnbd.fit(found)
    r, alpha, a, b = 0.243, 4.414, 0.793, 2.426
    assert fitted.inside
    assert fitted.parameters == pytest.approx((r, alpha, a, b), abs=0.001)
    # Fader, Hardie and Lee (2005): a customer with x = 2, t_x = 30.43, T = 38.86 is expected to
    # buy 1.226 times in the next 39 weeks
    paper = bgnbd.FittedBgNbd((r, alpha, a, b), True)
    expected, alive = paper.outlook(bgnbd.BuyingHistory(2, 30.43, 38.86), 39 * 7)
    assert expected == pytest.approx(1.226, abs=0.001)
    assert 0 < alive < 1
    edge = bgnbd.fit([bgnbd.BuyingHistory(5, 9.9, 10.0)] * 50 + [bgnbd.BuyingHistory(9, 9.8, 10)])
    assert not edge.inside
    assert edge.outlook(bgnbd.BuyingHistory(5, 9.9, 10.0), 7)[1] is None


def test_erasing_a_person_leaves_no_order(chain, cli) -> None:
    li = chain.person("li", "13800000001", unionid="union-li")
    chain.person("wu", "13800000002")
    head = "order_no,phone,phone_hash,unionid,paid_at,code,amount\n"
    hashed = hashlib.sha256(b"13800000001").hexdigest()
    text = head + (
        f"S1,13800000001,,,2026-05-01,P1,1\nS2,,{hashed},,2026-05-01,P1,2\n"
        "S3,,,union-li,2026-05-02,P1,3\nS4,13800000002,,,2026-05-02,P1,4\n"
    )
    take(chain, text)
    take(chain, text.replace(",1\n", ",9\n"))  # a version that holds the person, too
    answer = cli("audit", "erase", li, "--yes", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["orders"] == 3
    assert list(orders(chain)) == ["S4"]
    content = paths.data_db("chain").read_bytes()
    assert b"13800000001" not in content
    assert b"union-li" not in content
    assert chain.db.execute("SELECT count(*) FROM orders_customer").fetchone()[0] == 1


def test_erasing_a_person_leaves_no_cancelled_order_and_no_hashed_card(chain, cli) -> None:
    li = chain.person("li", "13800000001")
    chain.person("wu", "13800000002")
    take(chain, HEAD + "S1,2026-05-01,cancelled,N1,13800000001,P1,1,9,9,\n"
                       "S2,2026-05-01,cancelled,N1,13800000002,P1,1,9,9,\n")  # fmt: skip
    cards = "member,phone,birthday\nM1,13800000001,05-02\nM2,13800000002,05-03\n"
    assert cli("order", "members", chain.file(cards), "--hash-phones").code == 0
    assert cli("audit", "erase", li, "--yes", "--json").json["orders"] == 1
    assert list(orders(chain)) == ["S2"]
    assert b"13800000001" not in paths.data_db("chain").read_bytes()
    assert chain.db.rows("SELECT number FROM orders_member") == [{"number": "M2"}]


def test_forgetting_a_source(chain, cli) -> None:
    chain.person("li", "13800000001")
    take(chain, HEAD + "S1,2026-05-01,,N1,13800000001,P1,1,10,,\n", "old")
    take(chain, HEAD + "S2,2026-05-01,,N1,13800000001,P1,1,5,,\n", "new")
    assert cli("order", "forget", "nobody", "--yes").code == 5
    assert cli("order", "forget", "old").code == 2  # nobody can be asked
    assert cli("order", "forget", "old", "--yes", "--json").json["orders"] == 1
    assert chain.db.rows("SELECT spent_fen FROM orders_customer") == [{"spent_fen": 500}]
    assert [each["name"] for each in cli("order", "sources", "--json").json["items"]] == ["new"]


@pytest.mark.parametrize(
    ("text", "fen"),
    [("¥1,234.50", 123_450), ("(12.00)", -1_200), ("12-", -1_200), ("１２．５", 1_250),
     ("0.005", 1), ("-0.005", -1), ("1e2", 10_000), ("99元", 9_900)],
)  # fmt: skip
def test_money_as_tills_write_it(text, fen) -> None:
    assert values.fen(values.decimal(text)) == fen


def test_shares_sum_to_the_total() -> None:
    assert values.apportioned(100, [1, 1, 1]) == [34, 33, 33]
    assert values.apportioned(-100, [1, 1, 1]) == [-34, -33, -33]
    assert values.apportioned(5, [0, 0]) == [3, 2]
    assert values.apportioned(7, [3, 0, 1]) == [5, 0, 2]


def test_workbooks_hold_money_and_days_of_orders_as_such(chain, cli, tmp_path) -> None:
    chain.person("李", "13800000001")
    take(chain, HEAD + "S1,2026-05-01 10:00,,N1,13800000001,P1,2,10.25,,\n")
    openpyxl = pytest.importorskip("openpyxl")
    listed, customers = tmp_path / "orders.xlsx", tmp_path / "customers.xlsx"
    assert cli("order", "list", "--save", str(listed)).code == 0
    assert cli("customer", "export", str(customers)).code == 0
    for path, money, day in ((listed, "Amount", "Paid"), (customers, "Spent", "Last order")):
        titles, *rows = openpyxl.load_workbook(path).active.iter_rows(values_only=True)
        found = [dict(zip(titles, row, strict=True)) for row in rows]
        found = [row for row in found if row[money] is not None]
        assert [(row[money], row[day].strftime("%Y-%m-%d %H:%M")) for row in found] == [
            (20.5, "2026-05-01 10:00")
        ], path


def test_what_a_killed_import_left_is_summed_up_by_the_next(chain, monkeypatch) -> None:
    chain.person("li", "13800000001")
    chain.person("wu", "13800000002")
    first = HEAD + "S1,2026-05-01,,N1,13800000001,P1,1,9,,\n"
    take(chain, first)
    second = (
        first + "S2,2026-05-02,,N1,13800000001,P1,1,9,,\nS3,2026-05-02,,N1,13800000002,P1,1,9,,\n"
    )

    def killed(*_args) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(summary, "refresh", killed)
    with pytest.raises(KeyboardInterrupt):
        take(chain, second)
    monkeypatch.undo()
    assert take(chain, second).unchanged == 3
    spent = "SELECT orders, spent_fen FROM orders_customer ORDER BY customer_id"
    assert chain.db.execute(spent).fetchall() == [(2, 1800), (1, 900)]


def test_facets_by_columns_follow_every_import(chain, monkeypatch) -> None:
    monkeypatch.setattr(column_store, "SMALL", 0)
    monkeypatch.setattr(query, "FEW_COUNTED", -1)
    for number in range(4):
        chain.person(f"p{number}", f"1380000000{number}")
    take(chain, HEAD + "".join(f"S{n},2026-05-0{n + 1},,N{n % 2},1380000000{n},P{n},1,{n + 1},,\n"
                               for n in range(3)))  # fmt: skip

    def shops(where: str) -> dict[str, int]:
        asked = query.CustomerQuery(chain.db, where, now=chain.at(NOW))
        return {each.value: each.rows for each in asked.facet("shop-bought")}

    for _again in range(2):
        assert (shops(""), shops("spent:>1")) == ({"N0": 2, "N1": 1}, {"N0": 1, "N1": 1})
    take(chain, HEAD + "S9,2026-05-09,,N1,13800000003,P0,1,9,,\n")
    assert (shops(""), shops("spent:>1")) == ({"N0": 2, "N1": 2}, {"N0": 1, "N1": 2})


def test_facets_that_other_threads_counted_follow_every_import(chain, monkeypatch) -> None:
    monkeypatch.setattr(column_store, "SMALL", 0)
    monkeypatch.setattr(query, "FEW_COUNTED", -1)
    imports = range(1, 10)
    for number in imports:
        chain.person(f"p{number}", f"1380000000{number}")
    found = []

    def elsewhere(work) -> None:  # on a connection that is closed with its thread
        thread = threading.Thread(target=work)
        thread.start()
        thread.join()

    def shops() -> None:
        asked = query.CustomerQuery(chain.db, "spent:>1", now=chain.at(NOW))
        found.append({each.value: each.rows for each in asked.facet("shop-bought")}["N1"])

    for number in imports:
        take(chain, HEAD + f"S{number},2026-05-01,,N1,1380000000{number},P1,1,9,,\n")
        elsewhere(shops)
        elsewhere(lambda: chain.db.execute("SELECT 1"))  # the next one lies where the last did
    assert found == [*imports]


def test_what_was_paid_beside_equal_lines_and_lines_in_two_currencies(chain, cli) -> None:
    """Two of one price are two; a total that is said twice is one; yuan and dollars are no sum."""
    head, day = "小票号,销售时间,商品编码,实付金额,币种\n", "2026/05/01 10:00"
    chain.folder.mkdir(exist_ok=True)
    beside, whole = chain.folder / "beside.csv", chain.folder / "whole.csv"
    beside.write_text(
        f"{head}B1,{day},X,5,\nB1,{day},Y,7,\nB2,{day},X,9.9,\nB2,{day},Y,9.9,\n"
        f"B3,{day},X,5,CNY\nB3,{day},Y,7,USD\n", "utf-8",
    )  # fmt: skip
    whole.write_text(f"{head}W1,{day},X,9.9,\nW1,{day},Y,9.9,\n", "utf-8")
    answer = cli("order", "import", str(beside), "--source", "till", "--json")
    assert (answer.code, answer.json["added"]) == (6, 2)
    assert "CNY, USD" in answer.json["problems"][0]["message"]
    assert cli("order", "import", str(whole), "--source", "till").code == 0
    sums = [cli("order", "show", each, "--json").json["amount_fen"] for each in ("B1", "B2", "W1")]
    assert sums == [1200, 1980, 990]


def test_a_till_s_export_as_it_comes(chain, cli) -> None:
    """A title, headings of this till, numbers as texts, merged cells, what was paid beside every
    line, a sum at the end."""
    li = chain.person("li", "13812345678")
    text = (
        "某某连锁 销售明细,,,,,,,\n导出时间：2026-05-09,,,,,,,\n"
        "小票号,销售时间,会员手机,会员姓名,商品编码,品名,数量,实付金额\n"
        'A1,2026/05/01 10:00,="13812345678",*某,="690001",手机,1,"2,999.00"\n'
        ',,,,="690002",手机壳,2,119.80\n'
        'A2,2026/05/02 10:00,="13812345678",,="690001",手机,1,9.00\n'
        'A3,2026/05/03 10:00,="13812345678",,="690001",手机,1,7.00\n'
        ',,,,="690002",手机壳,many,1.00\n'
        ",,,,,某物,1,5.00\n"
        '合计,,,,,,6,"3,140.80"\n,,,,,合计,6,1\n'
    )
    path = chain.folder / "till.csv"
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(text.encode("gb18030"))
    answer = cli("order", "import", str(path), "--source", "till", "--json")
    assert (answer.code, answer.json["added"], answer.json["matched"]) == (6, 2, 2)
    assert [each["line"] for each in answer.json["problems"]] == [8, 9]
    assert "A3 is left out" in answer.json["problems"][0]["message"]
    assert "Not used: 会员姓名." in answer.err
    first = cli("order", "show", "A1", "--json").json
    assert [(each["code"], each["amount_fen"]) for each in first["lines"]] == [
        ("690001", 299900), ("690002", 11980),
    ]  # fmt: skip
    assert first["amount_fen"] == 311880
    row = cli("customer", "list", "--where", f"id:{li}", "--json").json["items"][0]
    assert (row["orders"], row["spent_fen"]) == (2, 312780)
