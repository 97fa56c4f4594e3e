"""Whose orders are: the drill of `make chaos` in its short form, and what a person said."""

from __future__ import annotations

import pytest

from storeops import domain
from storeops.changes.sheets import Source
from storeops.domains.orders import forget, matching, orders
from storeops.domains.orders.importing import OrderRequest, import_orders
from tests.chaos.matching import Days

HEAD = "order_no,phone,paid_at,amount\n"


def test_every_outcome_of_days_of_changing_numbers(chain) -> None:
    days = Days(chain, seed=5, people=150)
    for _day in range(3):
        days.take(120)
        assert days.differences() == []
        days.changes(8)
        assert days.differences() == []
    assert len(days.kinds) == 9
    assert set(days.truth.reasons.values()) == {"no_key", "bad_phone", "unknown", "ambiguous"}


def take(chain, *rows):
    path = chain.file(HEAD + "\n".join(rows) + "\n")
    return import_orders(chain.db, OrderRequest("till", path), chain.at("2026-06-01"))


def owners(chain) -> dict[str, str | None]:
    return dict(chain.db.execute(
        "SELECT o.order_no, c.name FROM orders_order o LEFT JOIN customer c ON c.id = o.customer_id"
    ).fetchall())  # fmt: skip


def test_a_number_that_its_customer_gave_up_means_nobody_any_more(chain) -> None:
    chain.person("li", "13800000001")
    take(chain, "S1,13800000001,2026-05-01,1")
    chain.person("li", "13900000009", seen="2026-05-02")
    domain.refreshed(chain.db, chain.at("2026-05-02"))
    done = take(chain, "S2,13800000001,2026-05-03,1", "S3,13900000009,2026-05-03,1")
    assert owners(chain) == {"S1": "li", "S2": None, "S3": "li"}
    assert (done.matched, done.unmatched) == (1, 1)
    # somebody else gets it: who bought under it before may be meant as well
    heir = chain.person("heir", "13800000001", seen="2026-05-04")
    domain.refreshed(chain.db, chain.at("2026-05-04"))
    assert owners(chain)["S2"] is None
    assert matching.report(chain.db).ambiguous == 1
    assert matching.assign(chain.db, "S2", heir, chain.at("2026-05-05")) == 1
    assert owners(chain) == {"S1": "li", "S2": "heir", "S3": "li"}
    domain.refreshed(chain.db, chain.at("2026-05-05"))
    take(chain, "S4,13800000001,2026-05-06,1")
    assert owners(chain)["S4"] == "heir"


def test_what_a_person_said_is_not_overruled(chain) -> None:
    li = chain.person("li")
    take(chain, "S1,13800000001,2026-05-01,1")
    matching.assign(chain.db, "S1", li, chain.at("2026-05-02"))
    chain.person("wu", "13800000001", seen="2026-05-03")
    domain.refreshed(chain.db, chain.at("2026-05-03"))
    take(chain, "S2,13800000001,2026-05-04,1")
    assert owners(chain) == {"S1": "li", "S2": None}
    assert matching.look_again(chain.db, chain.at("2026-05-05")).ambiguous == 1
    shown = matching.report(chain.db)
    assert (shown.matched, shown.why_not) == (1, {"ambiguous": 1})


def test_what_a_person_said_of_two_who_fit_outlives_a_word_about_them(chain) -> None:
    twins = [chain.person(name, "13800000001") for name in ("ann", "bea")]
    take(chain, "S1,13800000001,2026-05-01,1")
    matching.assign(chain.db, "S1", twins[0], chain.at("2026-05-02"))
    chain.person("bea", "13800000001", "13900000009", seen="2026-05-03")  # has one more
    domain.refreshed(chain.db, chain.at("2026-05-03"))
    take(chain, "S2,13800000001,2026-05-04,1")
    assert owners(chain) == {"S1": "ann", "S2": "ann"}
    # the one who was meant gave it up: nobody knows whose it is now
    chain.person("ann", "13700000007", seen="2026-05-05")
    domain.refreshed(chain.db, chain.at("2026-05-05"))
    take(chain, "S3,13800000001,2026-05-06,1")
    assert owners(chain)["S3"] is None
    # corrected: uncertain ones of the same buyer follow, and none is "not looked for yet"
    assert matching.assign(chain.db, "S2", twins[1], chain.at("2026-05-07")) == 3
    assert matching.report(chain.db).why_not == {}


def test_a_look_that_is_under_way_does_not_undo_what_a_person_says(chain, monkeypatch) -> None:
    twins = [chain.person(name, "13800000001") for name in ("ann", "bea")]
    take(chain, "S1,13800000001,2026-05-01,1")
    look = matching._Finder.__init__

    def meanwhile(finder, db, wanted) -> None:
        look(finder, db, wanted)
        matching.assign(db, "S1", twins[0], chain.at("2026-05-02"))

    monkeypatch.setattr(matching._Finder, "__init__", meanwhile)
    matching.look_again(chain.db, chain.at("2026-05-02"))
    monkeypatch.undo()
    take(chain, "S2,13800000001,2026-05-04,1")
    assert owners(chain) == {"S1": "ann", "S2": "ann"}


def test_an_order_that_comes_late_is_of_who_had_the_number_then(chain, cli) -> None:
    """Where the timeline says so; where it says nobody, or both, nothing is guessed."""
    old, new = "13800000001", "13800000002"
    chain.person("an", old, since="2026-01-01")
    chain.person("bo", new, since="2026-01-01")
    take(chain, f"S0,{new},2026-05-01,1")  # the buyer of bo's own number stays
    chain.person("an", "13800000003", since="2026-01-01", seen="2026-05-10")
    chain.person("bo", new, old, since="2026-01-01", seen="2026-05-12")
    days = ("05-05", "05-11", "05-15")
    take(chain, *(f"A{day},{old},2026-{day},1" for day in days))

    def whose() -> dict[str, str]:
        rows = cli("order", "list", "--all", "--json").json["items"]
        return {row["order_no"]: row["customer"] or row["reason"] for row in rows}

    want = {"S0": "bo", "A05-05": "an", "A05-11": "ambiguous", "A05-15": "bo"}
    assert whose() == want
    take(chain, f"B1,{old},2026-05-06,1", f"B2,{old},2026-05-20,1", "B3,138****0001,2026-05-06,1")
    assert (late := whose()) == want | {"B1": "an", "B2": "bo", "B3": "an"}
    domain.refreshed(chain.db, chain.at("2026-06-01"))
    found = cli("order", "match", "--json").json
    assert (found["matched"], found["ambiguous"], found["unmatched"]) == (6, 1, 0)
    assert whose() == late
    assert found["why_not"][0]["order_nos"] == ["A05-11"]
    assert [r["order_no"] for r in cli("order", "list", "--ambiguous", "--json").json["items"]] == [
        "A05-11"
    ]
    an = cli("customer", "list", "--where", f"id:{'wman':x<32}", "--json").json["items"][0]
    assert an["orders"] == 3


@pytest.mark.parametrize("dated", [True, False])
def test_a_member_number_that_passed_on_is_each_ones_in_its_time(chain, dated) -> None:
    """Orders that come late are of whoever had it then; new ones of whoever has it now."""
    anna, ben = chain.person("one", "13800000001"), chain.person("two", "13800000002")
    cards = "会员号,手机号,生效日期\n"

    def take_cards(text: str, when: str) -> None:
        orders.import_members(chain.db, Source(chain.file(cards + text)), chain.at(when))

    def take(number: str, paid: str, when: str) -> None:
        text = f"order_no,paid_at,member,amount\n{number},{paid},M1,10\n"
        import_orders(chain.db, OrderRequest("till", chain.file(text)), chain.at(when))

    def whose(number: str) -> str | None:
        (row,) = chain.db.execute(
            "SELECT c.external_userid FROM orders_order o LEFT JOIN customer c"
            " ON c.id = o.customer_id WHERE o.order_no = ?", (number,))  # fmt: skip
        return row[0]

    take_cards("M1,13800000001,\n", "2026-05-01")
    take("A", "2026-05-02 10:00", "2026-05-03")
    take("B", "2026-06-02 10:00", "2026-06-03")
    begin = "2026-06-01" if dated else ""
    take_cards(f"M1,13800000002,{begin}\n", "2026-06-10")
    take_cards("M1,13800000002,\n", "2026-06-11")  # the same file again
    take("C", "2026-06-12 10:00", "2026-06-13")
    take("D", "2026-05-20 10:00", "2026-06-13")  # late
    found = {number: whose(number) for number in "ABCD"}
    assert found == {"A": anna, "B": ben if dated else anna, "C": ben, "D": anna}
    take_cards("M1,13800000009,2026-07-01\n", "2026-07-01")  # of nobody who is known
    take("E", "2026-07-02 10:00", "2026-07-03")
    take("F", "2026-06-29 10:00", "2026-07-03")
    assert (whose("E"), whose("F"), whose("C")) == (None, ben, ben)
    three = chain.person("three", "13800000009", since="2026-07-05")
    matching.refreshed(chain.db, chain.at("2026-07-06"))
    assert (whose("E"), whose("F"), whose("D")) == (three, ben, anna)


def test_a_day_that_is_said_later_counts_for_orders_that_are_there(chain) -> None:
    """A number passed on when its table was taken in; then the table says since when."""
    anna, ben = chain.person("one", "13800000001"), chain.person("two", "13800000002")
    for card, when in (
        ("M1,13800000001,", "2026-05-01"),
        ("M1,13800000002,", "2026-06-10"),
        ("M1,13800000002,2026-06-01", "2026-06-20"),
    ):
        text = f"会员号,手机号,生效日期\n{card}\n"
        orders.import_members(chain.db, Source(chain.file(text)), chain.at(when))
        for number, paid in ("A", "2026-05-20"), ("B", "2026-06-05"), (when, "2026-06-06"):
            text = f"order_no,paid_at,member,amount\n{number},{paid} 10:00,M1,10\n"
            import_orders(chain.db, OrderRequest("till", chain.file(text)), chain.at(when))
    found = dict(chain.db.execute(
        "SELECT o.order_no, c.external_userid FROM orders_order o"
        " LEFT JOIN customer c ON c.id = o.customer_id"
    ))  # fmt: skip
    late = dict.fromkeys(("B", "2026-05-01", "2026-06-10", "2026-06-20"), ben)
    assert found == {"A": anna, **late}


def test_who_hides_phones_later_hides_those_of_before(chain) -> None:
    """The same people with the same numbers: nobody's number passed on, birthdays stay."""
    anna = chain.person("one", "13800000001")
    file = chain.file("会员号,手机号,生日\nM1,13800000001,05-01\n")
    orders.import_members(chain.db, Source(file), chain.at("2026-05-01"))
    plain = chain.file("会员号,手机号\nM1,13800000001\n")
    orders.import_members(chain.db, Source(plain), chain.at("2026-06-01"), hashed=True)
    text = "order_no,paid_at,member,amount\nA,2026-05-20 10:00,M1,10\n"
    import_orders(chain.db, OrderRequest("till", chain.file(text)), chain.at("2026-06-02"))
    (member,) = chain.db.execute("SELECT phone, birthday, since FROM orders_member")
    assert tuple(member) == ("", "05-01", 0)
    assert chain.db.execute("SELECT count(*) FROM orders_member_former").fetchone()[0] == 0
    (whose,) = chain.db.execute(
        "SELECT c.external_userid FROM orders_order o JOIN customer c ON c.id = o.customer_id"
    )
    assert whose[0] == anna


def test_who_is_erased_takes_nothing_of_the_next_holder_along(chain) -> None:
    """Nobody knows yet who has the number now; orders that were paid since are not hers."""
    anna = chain.person("one", "13800000001")
    for card, when in (
        ("M1,13800000001,", "2026-05-01"),
        ("M1,13800000009,2026-06-01", "2026-06-01"),
    ):
        file = chain.file(f"会员号,手机号,生效日期\n{card}\n")
        orders.import_members(chain.db, Source(file), chain.at(when))
        text = f"order_no,paid_at,member,amount\n{when},{when} 10:00,M1,10\n"
        import_orders(chain.db, OrderRequest("till", chain.file(text)), chain.at(when) + 86_400)
    with chain.db.atomic() as connection:
        ids, _names = forget.words_of(connection, anna)
        assert forget.forget_customer(connection, anna, {*ids, "13800000001"}) == 1
    assert chain.db.execute("SELECT order_no FROM orders_order").fetchall() == [("2026-06-01",)]
    assert chain.db.execute("SELECT phone FROM orders_member").fetchall() == [("13800000009",)]
    assert chain.db.execute("SELECT count(*) FROM orders_member_former").fetchone() == (0,)
