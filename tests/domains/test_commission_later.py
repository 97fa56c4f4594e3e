"""Commission after a month is closed, of orders that are no plain sale, of people who are gone."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from storeops.domains.commission import months, statements
from storeops.domains.commission.kept_months import closed_months
from storeops.domains.orders import importing, matching
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.errors import ConflictError
from tests.domains.test_commission import FIRST_BIND, PROTECTED, Chain, made_again

TILL = 'name = "house"\nscheme = "till"\nrate = "3%"\n'
LI, WU = "13800000001", "13800000002"


@pytest.fixture
def shop(chain: Any, monkeypatch: pytest.MonkeyPatch) -> Chain:
    """Early in November; li is anna's."""
    shop = Chain(chain, monkeypatch)
    chain.person("li", LI, owner="anna", since="2026-09-01")
    shop.at("2026-11-02")
    return shop


def sold(number: str, when: str, fen: float, **more: Any) -> str:
    """A row of the till's file, of li unless it says otherwise."""
    row = {"phone": LI, "seller": "", "server": "", "line": 1, "code": "P", "original": ""} | more
    return (
        f"{number},{when},,N1,{row['phone']},{row['seller']},{row['server']},{row['line']},"
        f"{row['code']},{fen / 100},{row['original']},"
    )


def total(shop: Chain, *which: str, **how: Any) -> dict[str, int]:
    """Who → fen over months; nobody with nothing. Pay is 3 per cent of what a guide has."""
    found: Counter[str] = Counter()
    pay: Counter[str] = Counter()
    for month in which:
        for each in months.reckon(shop.db, month, **how).entries:
            found[each.share.userid] += each.share.share_fen
            pay[each.share.userid] += each.pay_fen
    assert all(pay[who] == found[who] * 3 // 100 for who in found if who)
    return {who: fen for who, fen in found.items() if fen}


# -- returns --------------------------------------------------------------------------------------

S1 = (
    sold("S1", "2026-10-05 10:00", 6_000),
    sold("S1", "2026-10-05 10:00", 4_000, line=2, code="Q"),
)


@pytest.mark.parametrize(
    ("rows", "left"),
    [
        # two lines of one article come back one after the other
        ((sold("S1", "2026-10-05 10:00", 6_000), sold("S1", "2026-10-05 10:00", 6_000, line=2),
          sold("R1", "2026-10-06 10:00", -6_000, original="S1"),
          sold("R2", "2026-10-07 10:00", -6_000, original="S1")), {}),
        # the whole order, and then one of its articles once more
        ((*S1, sold("R1", "2026-10-06 10:00", -10_000, original="S1", code=""),
          sold("R2", "2026-10-07 10:00", -6_000, original="S1")), {"": -6_000}),
        # two exchanges that give back more than was sold
        ((sold("S1", "2026-10-05 10:00", 10_000),
          *(row for day in (6, 7) for row in (
              sold(f"X{day}", f"2026-10-0{day} 10:00", -6_000, original="S1"),
              sold(f"X{day}", f"2026-10-0{day} 10:00", 7_000, original="S1", line=2)))),
         {"anna": 14_000, "": -2_000}),
        # a line that makes the order cheaper is no return
        ((sold("S1", "2026-10-05 10:00", 10_000),
          sold("S1", "2026-10-05 10:00", -1_000, line=2, code="COUPON")), {"anna": 9_000}),
        # a return that names itself gives back nothing that is known
        ((sold("R1", "2026-10-06 10:00", -5_000, original="R1"),), {"": -5_000}),
    ],
)  # fmt: skip
def test_nothing_is_given_back_twice_or_by_nobody(
    shop: Chain, rows: tuple[str, ...], left: dict[str, int]
) -> None:
    shop.take(*rows)
    shop.adopt(FIRST_BIND)
    assert total(shop, "2026-10") == left


THREE = (
    'name = "house"\nscheme = "split"\nrate = "50%"\n'
    "shares = { owner = 42.86, server = 42.86, seller = 14.28 }\n"
)


@pytest.mark.parametrize("seed", range(4))
def test_partial_returns_take_from_everybody_and_give_nobody(shop: Chain, seed: int) -> None:
    """By whatever pieces, in whatever month: each return is its amount, nobody gains by one, and
    when all is given back nobody has a fen, nor is paid one."""
    dice = random.Random(seed)
    pieces = {14: [10, 1, 3], 28: [20, 1, 1, 6]}  # the largest remainders of these go up and down
    for _each in range(12):
        fen = dice.randint(2, 400)
        cuts = sorted(dice.sample(range(1, fen), min(fen - 1, dice.randint(1, 4))))
        pieces[fen] = [b - a for a, b in zip([0, *cuts], [*cuts, fen], strict=True)]
    months_of: dict[str, list[str]] = {"10": [], "11": [], "12": []}
    for fen, several in pieces.items():
        months_of["10"].append(
            sold(f"S{fen}", "2026-10-05 10:00", fen, server="ben", seller="cleo")
        )
        when = sorted(dice.choice(("10", "11", "12")) for _each in several)
        for at, (month, piece) in enumerate(zip(when, several, strict=True)):
            months_of[month].append(
                sold(f"R{fen}-{at}", f"2026-{month}-{10 + at} 10:00", -piece, original=f"S{fen}")
            )
    shop.adopt(THREE)
    left: Counter[Any] = Counter()
    for month, now in (("10", "2026-11-02"), ("11", "2026-12-02"), ("12", "2027-01-02")):
        shop.at(now)
        shop.take(*dice.sample(months_of[month], len(months_of[month])))
        returned: Counter[str] = Counter()
        for each in shop.close(f"2026-{month}").entries:
            sale = each.key[1].partition("-")[0][1:]
            left[sale, each.share.userid, each.share.role] += each.share.share_fen
            left[sale, each.share.userid] += each.pay_fen
            if each.kind == "return":
                assert each.share.share_fen < 0 >= each.pay_fen, each
                returned[each.key[1]] += each.share.share_fen
        assert returned == {
            f"R{fen}-{at}": -piece for fen, several in pieces.items()
            for at, piece in enumerate(several) if f"R{fen}-{at}," in "".join(months_of[month])
        }  # fmt: skip
    assert not any(left.values())


def test_what_changes_after_a_month_was_closed_changes_its_returns(shop: Chain) -> None:
    """Each of these leaves what the same orders would have been, had they come in time."""
    late = {"wu": (WU, "2026-09-01")}
    shop.take(
        sold("A", "2026-10-05 10:00", 10_000),
        sold("AR1", "2026-10-06 10:00", -5_000, original="A"),
        sold("AR2", "2026-10-07 10:00", -5_000, original="A"),
        sold("B", "2026-10-05 10:00", 10_000, phone=WU),
        sold("BR", "2026-10-06 10:00", -10_000, phone="", original="B"),
        *(row.replace("S1", "C") for row in S1),
        sold("D", "2026-10-06 10:00", -5_000, original="D"),
    )
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    assert total(shop, "2026-10") == {"anna": 10_000, "": -5_000}
    shop.take(sold("AR1", "2026-10-06 10:00", -6_000, original="A"))  # before a booked one
    for name, (phone, since) in late.items():  # B finds its customer, BR names nobody
        shop.chain.person(name, phone, owner="ben", since=since, seen=since)
    matching.look_again(shop.db, shop.now)
    shop.take(sold("CR", "2026-10-25 10:00", -10_000, original="C", code=""))  # the whole order
    shop.take(sold("D", "2026-10-06 10:00", -6_000, original="D"))  # names itself
    assert total(shop, "2026-10", "2026-11") == {"": -1_000 - 6_000}


def test_a_sale_whose_day_is_corrected_is_paid_once(shop: Chain) -> None:
    edge = "2026-10-31 23:59:59"
    shop.take(sold("A", edge, 10_000), sold("B", edge, 10_000), sold("B", edge, 1_000, line=2))
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    shop.take(sold("A", "2026-11-01 00:00:00", 12_000))
    shop.take(sold("B", "2026-12-01 00:00:00", 10_000))
    assert total(shop, "2026-10", "2026-11") == {"anna": 12_000 + 11_000}
    shop.at("2026-12-02")
    shop.close("2026-11")
    assert total(shop, "2026-10", "2026-11", "2026-12") == {"anna": 22_000}
    reasons = {each.share.reason[1]["month"] for each in months.reckon(shop.db, "2026-12").entries}
    assert reasons == {"2026-10"}


def test_what_was_paid_before_the_first_month_is_in_none_and_said_so(shop: Chain, cli: Any) -> None:
    """There when it was closed or come since, of whoever, corrected or not."""
    shop.take(sold("A", "2026-09-30 23:59:59", 1_000), sold("B", "2026-10-01 00:00:00", 2_000))
    shop.adopt(FIRST_BIND)
    said = cli("commission", "run", "--month", "2026-10")
    assert "1 order paid before 2026-10 will be in no month once it is closed" in said.err
    assert "storeops commission close --month 2026-09" in said.err
    shop.at("2026-11-03")
    assert cli("commission", "close", "--month", "2026-10", "--yes").code == 0
    shop.at("2026-11-04")
    shop.take(sold("A", "2026-09-30 23:59:59", 1_500), sold("C", "2026-09-20 10:00", 4_000),
              sold("CR", "2026-11-02 10:00", -1_000, original="C"),
              sold("D", "2026-10-31 10:00", 500))  # fmt: skip
    assert total(shop, "2026-10", "2026-11") == {"anna": 2_000 + 500 - 1_000}
    for words in ("run", "preview", "statement"):
        said = cli("commission", words, "--month", "2026-11")
        assert "1 order paid before 2026-10, the first month that was closed, came" in said.err
        assert "storeops order list --until 2026-09" in said.err
        said = cli("commission", words, "--month", "2026-09")
        assert "2026-09" in said.err
        assert "before the first month that was closed, paid nowhere" in said.err, words
    for line in ("A#1", "C#1"):
        assert [each["state"] for each in made_again(shop, line)] == ["before"]
        told = cli("commission", "explain", line)
        assert "Paid before 2026-10, the first month that was closed: it is in no month" in told.out
    assert [each["state"] for each in made_again(shop, "D#1")] == ["late"]
    refused = cli("commission", "close", "--month", "2026-09", "--yes")
    assert (refused.code, "the next month to close is 2026-11" in refused.err) == (9, True)


def test_a_paid_line_that_is_corrected_to_before_the_first_month_stays_in_the_books(
    shop: Chain,
) -> None:
    shop.take(sold("A", "2026-10-05 10:00", 1_000), sold("B", "2026-10-05 10:00", 2_000))
    shop.adopt(FIRST_BIND)
    shop.at("2026-11-03")
    shop.close("2026-10")
    shop.take(sold("A", "2026-09-05 10:00", 1_500),
              sold("B", "2026-09-05 10:00", 2_000).replace(",,N1", ",已取消,N1", 1))  # fmt: skip
    assert total(shop, "2026-10", "2026-11") == {"anna": 1_500}
    for line in ("A#1", "B#1"):
        assert [each["state"] for each in made_again(shop, line)] == ["closed", "late"]


@pytest.mark.parametrize("known", [True, False])
def test_a_return_that_is_dated_before_its_sale_takes_back_what_that_gives(
    shop: Chain, known: bool
) -> None:
    """Of a till whose clock is wrong: the return's month is closed when the sale's is open."""
    sale = sold("A", "2026-11-01 09:00", 10_000)
    shop.take(sold("AR", "2026-10-31 18:00", -10_000, original="A"),
              *((sale,) if known else ()))  # fmt: skip
    shop.adopt(FIRST_BIND)
    shop.at("2026-11-03")
    shop.close("2026-10")
    shop.at("2026-11-04")
    shop.take(sale)
    assert total(shop, "2026-10", "2026-11") == {}
    made_again(shop, "AR#1")
    shop.handover("li", "anna", "ben", "2026-10-20 12:00", "2026-11-05")
    assert total(shop, "2026-10", "2026-11") == {}
    made_again(shop, "AR#1")
    shop.at("2026-12-03")
    shop.close("2026-11")
    assert total(shop, "2026-10", "2026-11", "2026-12") == {}


def held(shop: Chain, *which: str) -> dict[Any, int]:
    """(number of the sale, userid, role) → fen, and what is paid, over months; what is not 0."""
    found: Counter[Any] = Counter()
    for month in which:
        for each in months.reckon(shop.db, month).entries:
            sale = each.key[1].partition("-")[0][1:]
            found[sale, each.share.userid, each.share.role] += each.share.share_fen
            found[sale, each.share.userid] += each.pay_fen
    return {who: fen for who, fen in found.items() if fen}


@pytest.mark.parametrize("seed", [0, 11, 58, 62, 68])
def test_the_order_in_which_events_arrive_changes_nobody_s_sum(shop: Chain, seed: int) -> None:
    """Sales and returns by line, corrected (to another day, too) and cancelled, each before or
    after the closing of any of three months: the sums are those of everything known in time."""
    dice = random.Random(seed)
    shop.chain.person("wu", WU, owner="ben", since="2026-09-01", seen="2026-09-02")

    def day() -> str:
        return f"2026-{dice.randint(10, 12)}-{dice.randint(1, 28):02d} {dice.randint(8, 20)}:00"

    def cancelled(rows: list[str]) -> list[str]:
        return [row.replace(",,N1", ",已取消,N1", 1) for row in rows]

    events: list[list[list[str]]] = [[[sold("Z", "2026-10-01 10:00", 5)]]]  # versions of orders
    for number in range(12):
        who = {"phone": dice.choice((LI, WU)), "server": "ben", "seller": "cleo"}
        paid, when = [dice.randint(3, 90) for _line in range(dice.randint(1, 2))], day()
        sale = [
            [sold(f"S{number}", moment, fen - less, line=at, code=f"C{at}", **who)
             for at, fen in enumerate(paid, 1)]
            for moment, less in ((when, 0), (dice.choice((when, day())), dice.randint(0, 2)))
        ]  # fmt: skip
        events.append(sale[: dice.randint(1, 2)] + [cancelled(sale[0])] * (dice.random() < 0.1))
        for at in range(dice.randint(0, 3)):
            line = dice.randint(1, len(paid))
            back = [
                [sold(f"R{number}-{at}", day(), -dice.randint(1, paid[line - 1] // 2 + 3),
                      phone="", original=f"S{number}", code=f"C{line}")]
                for _version in range(dice.randint(1, 2))
            ]  # fmt: skip
            events.append(back + [cancelled(back[-1])] * (dice.random() < 0.15))
    arrivals = [
        (when, dice.random(), rows) for versions in events for when, rows in
        zip(sorted(dice.choices(range(4), k=len(versions))), versions, strict=True)
    ]  # fmt: skip
    arrivals[0] = (0, 0.0, events[0][0])
    shop.adopt(THREE)
    for at, (now, month) in enumerate(
        (("2026-11", "2026-10"), ("2026-12", "2026-11"), ("2027-01", "2026-12"), ("2027-02", ""))
    ):
        shop.at(f"{now}-02")
        batch = [each for each in arrivals if each[0] == at]
        dice.shuffle(batch)
        latest = {rows[0].partition(",")[0]: rows for _at, _dice, rows in
                  sorted(batch, key=arrivals.index)}  # fmt: skip
        shop.take(*(row for _at, _dice, rows in batch for row in rows
                    if latest[row.partition(",")[0]] is rows))  # fmt: skip
        shop.at(f"{now}-03")
        if month:
            shop.close(month)
    for versions in events[1:13]:
        for row in versions[-1]:
            made_again(shop, f"{row.partition(',')[0]}#{row.split(',')[7]}")
    found = held(shop, "2026-10", "2026-11", "2026-12", "2027-01")
    shop.db.execute("DROP TRIGGER commission_closed_kept")
    for table in ("commission_entry", "commission_month"):
        shop.db.execute(f"DELETE FROM {table}")
    assert found == held(shop, "2026-10", "2026-11", "2026-12")


def test_returns_of_closed_months_keep_what_each_took(shop: Chain) -> None:
    """One dated before another that was closed already; then nothing but a name changes."""
    shop.take(sold("A", "2026-10-05 10:00", 10_000),
              sold("A-2", "2026-10-20 10:00", -6_000, original="A"))  # fmt: skip
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    shop.at("2026-11-03")
    shop.take(sold("A-1", "2026-10-10 10:00", -6_000, original="A"))
    assert total(shop, "2026-11") == {"anna": -4_000, "": -2_000}
    shop.at("2026-12-02")
    shop.close("2026-11")
    shop.at("2026-12-03")
    shop.take(sold("A", "2026-10-05 10:00", 10_000, seller="cleo"))
    assert months.reckon(shop.db, "2026-12").entries == ()


# -- rules that are tried -------------------------------------------------------------------------


def test_rules_are_tried_on_a_closed_month_too(shop: Chain, cli: Any) -> None:
    shop.take(sold("S1", "2026-10-05 10:00", 10_000, seller="cleo"),
              sold("R1", "2026-10-06 10:00", -5_000, original="S1"))  # fmt: skip
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    file = shop.chain.file(TILL, "till.toml")
    assert total(shop, "2026-10", rules=shop.rules(TILL)) == {"cleo": 5_000}
    answer = cli("commission", "compare", file, "--month", "2026-10", "--json")
    for rows in (
        statements.compare(shop.db, "2026-10", None, shop.rules(TILL)),
        answer.json["items"],
    ):
        difference = {row["userid"]: row["share_fen_difference"] for row in rows}
        assert difference == {"anna": -5_000, "cleo": 5_000}
    assert total(shop, "2026-10") == {"anna": 5_000}


@pytest.mark.parametrize("word", ["2026-+9", "2026- 9", "2026-1", "٢٠٢٦-٠٩", "2026-13", "0000-01"])
def test_a_month_is_written_in_one_way(shop: Chain, cli: Any, word: str) -> None:
    assert cli("commission", "run", "--month", word).code == 2


# -- whose it was ---------------------------------------------------------------------------------


def test_a_customer_who_is_handed_on_is_somebodys_at_every_second(shop: Chain) -> None:
    """Also where WeCom writes a later beginning, and the second owner has the customer no more."""
    shop.handover("li", "anna", "ben", "2026-10-10 12:00", "2026-10-11 03:00")
    shop.handover("li", "ben", "cleo", "2026-10-12 12:00", "2026-10-13 03:00")
    shop.db.execute("UPDATE handover SET settled_at = settled_at - 60 WHERE plan_id = 0")
    shop.take(*(sold(f"S{at}", when, 100) for at, when in enumerate(
        ("2026-10-10 11:58:59", "2026-10-10 11:59:00", "2026-10-12 11:59:59", "2026-10-12 12:00:00")
    )))  # fmt: skip
    shop.adopt(FIRST_BIND)
    owners = [each.share.userid for each in months.reckon(shop.db, "2026-10").entries]
    assert owners == ["anna", "ben", "ben", "cleo"]


def test_a_former_owner_is_one_guide_however_the_userid_is_written(shop: Chain) -> None:
    shop.db.execute("UPDATE staff SET userid = 'Anna' WHERE userid = 'anna'")
    shop.handover("li", "anna", "ben", "2026-10-10 12:00", "2026-10-11 03:00")
    shop.take(sold("S1", "2026-10-10 11:00", 100), sold("S2", "2026-10-10 13:00", 100))
    shop.adopt(PROTECTED)
    assert shop.sums("2026-10") == {"Anna": 140, "ben": 60}


def test_of_two_services_in_one_second_the_same_one_is_last(shop: Chain) -> None:
    rows = [sold("S1", "2026-10-01 10:00", 100, server="ben"),
            sold("S2", "2026-10-01 10:00", 100, server="cleo"),
            sold("S3", "2026-10-02 10:00", 100)]  # fmt: skip
    found = []
    for order in (rows, rows[::-1]):
        for row in order:
            shop.take(row)
        tried = shop.rules('scheme = "last-touch"')
        found.append(months.reckon(shop.db, "2026-10", tried).entries[-1].share.userid)
        for table in ("orders_order", "orders_line"):
            shop.db.execute(f"DELETE FROM {table}")
    assert found == ["cleo", "cleo"]


def test_a_name_that_two_guides_have_and_a_guide_without_a_share_are_called_so(
    shop: Chain, cli: Any
) -> None:
    shop.db.execute("UPDATE staff SET name = 'Wang' WHERE userid IN ('anna', 'ben')")
    shop.take(sold("S1", "2026-10-10 11:00", 100, seller="Wang"),
              sold("S2", "2026-10-10 11:00", 100, seller="ghost"),
              sold("S3", "2026-10-10 11:00", 100, seller="Cleo"))  # fmt: skip
    shop.adopt(TILL)
    items = cli("commission", "run", "--month", "2026-10", "--json").json["items"]
    assert [(each["userid"], each["reason"]) for each in items] == [
        ("", "several members are called “Wang”: shop pool"),
        ("", "“ghost” is no member: shop pool"), ("cleo", "rang it up"),
    ]  # fmt: skip
    words = ("commission", "run", "--month", "2026-10", "--userid")
    assert len(cli(*words, "Cleo", "--json").json["items"]) == 1
    assert "ben has no share in 2026-10." in cli(*words, "ben").err
    assert cli(*words, "nobody").code == 5


# -- other money ----------------------------------------------------------------------------------


def test_other_currencies_are_in_no_sum(shop: Chain, cli: Any) -> None:
    path = shop.chain.file(
        "order_no,paid_at,phone,currency,code,amount,original\n"
        f"S1,2026-10-05 10:00,{LI},CNY,P,100,\nS2,2026-10-05 10:00,{LI},GBP,P,70,\n"
        f"T1,2026-10-06 10:00,{LI},GBP,P,-60,S1\nT2,2026-10-07 10:00,{LI},CNY,P,-60,S1\n"
    )
    import_orders(shop.db, OrderRequest("till", path), shop.now)
    shop.adopt(FIRST_BIND)
    assert total(shop, "2026-10") == {"anna": 4_000}
    for words in ("preview", "run", "statement"):
        answer = cli("commission", words, "--month", "2026-10")
        assert (answer.code, "GBP" in answer.err) == (0, True), words
    shown = cli("commission", "explain", "S2")
    assert "GBP" in shown.out
    assert cli("commission", "explain", "S2", "--json").json["currency"] == "GBP"


# -- people who are erased ------------------------------------------------------------------------


def booked(shop: Chain) -> str:
    return repr([
        *shop.db.rows("SELECT order_no, external_userid, reason FROM commission_entry"),
        *shop.db.rows("SELECT order_no, reason FROM commission_basis"),
    ])  # fmt: skip


def test_an_erasure_leaves_no_number_whoever_was_known_when_the_month_was_closed(
    shop: Chain, cli: Any
) -> None:
    """An order that found its customer later and changed no share; a return that names nobody."""
    shop.take(sold("T77", "2026-10-05 10:00", 10_000, phone=WU, seller="cleo"),
              sold("R1", "2026-10-06 10:00", -5_000, phone="", original="T77"))  # fmt: skip
    shop.adopt(TILL)
    shop.close("2026-10")
    external = shop.chain.person("wu", WU, owner="anna", since="2026-09-01")
    matching.look_again(shop.db, shop.now)
    before = total(shop, "2026-10")
    answer = cli("audit", "erase", external, "--yes", "--json")
    assert (answer.code, answer.json["commission_lines"]) == (0, 2)
    assert "T77" not in booked(shop)
    assert total(shop, "2026-10") == before
    (line, *_others) = {each.key for each in months.reckon(shop.db, "2026-10").entries}
    told = cli("commission", "explain", f"{line[1]}#{line[2]}")  # its sums are there
    assert (told.code, "2026-10: Cleo (cleo) " in told.out) == (0, True)
    assert ": rang it up" in told.out or ": gives back ?" in told.out


def test_an_erased_order_that_is_taken_in_again_pays_nobody_twice(shop: Chain, cli: Any) -> None:
    row = sold("T77", "2026-10-05 10:00", 10_000)
    shop.take(row)
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    assert cli("audit", "erase", "wm" + f"{'li':x<30}", "--yes").code == 0
    shop.take(row, sold("R1", "2026-11-01 10:00", -4_000, original="T77"))
    assert "T77" not in booked(shop)
    assert total(shop, "2026-10", "2026-11") == {"anna": 6_000}


def test_an_order_that_became_somebody_elses_stays_booked_when_the_first_is_erased(
    shop: Chain, cli: Any
) -> None:
    shop.take(sold("S1", "2026-10-05 10:00", 10_000, seller="cleo"))
    shop.adopt(TILL)
    shop.close("2026-10")
    matching.assign(shop.db, "S1", shop.chain.person("wu", WU, owner="ben"), shop.now)
    one = "wm" + f"{'li':x<30}"
    assert cli("audit", "erase", one, "--yes").code == 0
    assert one not in booked(shop)
    shop.take(sold("S1", "2026-10-05 10:00", 11_000, seller="cleo"))
    assert total(shop, "2026-10", "2026-11") == {"cleo": 11_000}


# -- beside an import -----------------------------------------------------------------------------


def test_no_month_is_closed_while_orders_come_in(shop: Chain) -> None:
    """What an import writes has the time of its beginning: closed meanwhile, the month would take
    it for known, and nobody would be paid."""
    shop.take(sold("S1", "2026-10-05 10:00", 6_000))
    shop.adopt(TILL)
    with importing.alone(shop.db), pytest.raises(ConflictError):
        shop.close("2026-10")
    assert not closed_months(shop.db)
    assert shop.close("2026-10").entries
