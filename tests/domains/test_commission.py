"""Commission: to the fen, the same whatever the order of events, and explained in its own words."""

from __future__ import annotations

import json
import random
import sqlite3
from collections import Counter, defaultdict

import pytest

from storeops.domains.commission import (
    closing,
    explained,
    months,
    rules,
    rules_in_force,
    statements,
)
from storeops.domains.commission.allocation import Part, given_back, paid_of, shares_of
from storeops.domains.commission.calendar_months import following
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.domains.orders.values import apportioned
from storeops.errors import ConflictError
from storeops.mirror.facts import follow_status_changed

HEAD = "order_no,paid_at,status,shop,phone,seller,server,line,code,amount,original,original_line\n"
FIRST_BIND = 'name = "house"\nscheme = "first-bind"\nrate = "3%"\n'
PROTECTED = FIRST_BIND + "[protection]\ndays = 30\nformer = 40\n"
SPLIT = 'name = "house"\nscheme = "split"\nrate = "3%"\nshares = { owner = 60, seller = 40 }\n'


class Chain:
    """The chain with a clock that is set, and words for what happens in it."""

    def __init__(self, chain, monkeypatch):
        self.chain, self.db = chain, chain.db
        self.now = chain.at("2026-10-01")
        monkeypatch.setattr(type(chain.app.clock), "now", lambda _clock: float(self.now))

    def at(self, text):
        self.now = self.chain.at(text)

    def take(self, *rows, source="till"):
        path = self.chain.file(HEAD + "\n".join(rows) + "\n")
        return import_orders(self.db, OrderRequest(source, path), self.now)

    def rules(self, text):
        return rules.read([self.chain.file(text, "rules.toml")])

    def adopt(self, text):
        return rules_in_force.adopt(self.chain.app.ledger, self.rules(text))

    def close(self, month):
        return closing.close(self.chain.app.ledger, month)

    def handover(self, name, from_owner, to_owner, when, seen):
        """A handover that happened, and that the mirror saw later."""
        external = self.chain.person(name, owner=to_owner, since=when, seen=seen)
        with self.db.atomic() as connection:
            number = connection.execute("SELECT count(*) FROM handover").fetchone()[0]
            connection.execute(
                "INSERT INTO handover (plan_id, row, what, kind, handover_userid, takeover_userid,"
                " subject, asked_at, due_at, status, settled_at)"
                " VALUES (?, 1, 'customer', 'on_job', ?, ?, ?, 0, 0, 'done', ?)",
                (number, from_owner, to_owner, external, self.chain.at(when)),
            )
        follow_status_changed(self.db, from_owner, external, "handed_over", source="sync", ref="1",
                              now=self.chain.at(seen))  # fmt: skip

    def sums(self, month, **how):
        found = Counter()
        for each in months.reckon(self.db, month, **how).entries:
            found[each.share.userid] += each.share.share_fen
        return {key: value for key, value in found.items() if value}


@pytest.fixture
def shop(chain, monkeypatch):
    return Chain(chain, monkeypatch)


@pytest.fixture
def october(shop):
    """A handover in mid-month, a sale before and after it, and one nobody is known of."""
    shop.chain.person("li", "13800000001", owner="anna", since="2026-09-01")
    shop.handover("li", "anna", "ben", "2026-10-15 12:00", "2026-10-16 03:00")
    shop.at("2026-11-02")
    shop.take(
        "S1,2026-10-05 10:00,,N1,13800000001,cleo,,1,P,100.01,,",
        "S2,2026-10-20 10:00,,N1,13800000001,cleo,,1,P,200.00,,",
        "S3,2026-10-21 10:00,,N1,13999999999,cleo,,1,P,50.00,,",
        "S4,2026-10-15 12:30,,N2,13800000001,,,1,P,10.00,,",  # after the handover, before its sync
    )
    return shop


def test_three_statements_worked_out_by_hand(october, cli) -> None:
    """A handover in mid-month, a return in the next month, two schemes side by side."""
    shop = october
    shop.adopt(PROTECTED)
    # October: S1 all anna's. S2: anna is protected with 40 %. S4 the same. S3: the pool.
    assert shop.sums("2026-10") == {
        "anna": 10001 + 8000 + 400, "ben": 12000 + 600, "": 5000,
    }  # fmt: skip
    # the other scheme: 60 % the owner of that day, 40 % who rang it up; S4 names no seller
    assert shop.sums("2026-10", rules=shop.rules(SPLIT)) == {
        "anna": 6001, "ben": 12000 + 600, "cleo": 4000 + 8000 + 2000, "": 3000 + 400,
    }  # fmt: skip
    rows = statements.compare(shop.db, "2026-10", None, shop.rules(SPLIT))
    by_guide = {row["userid"]: row["share_fen_difference"] for row in rows}
    assert by_guide == {"anna": -12400, "ben": 0, "cleo": 14000, "": -1600}
    shop.close("2026-10")
    # November: half of S2 comes back; it takes what S2 gave, 40 to 60, though ben owns her now
    shop.at("2026-12-02")
    shop.take("R2,2026-11-03 10:00,,N1,13800000001,ben,,1,P,-100.00,S2,",
              "S5,2026-11-20 10:00,,N1,13800000001,ben,,1,P,1.00,,")  # fmt: skip
    assert shop.sums("2026-11") == {"anna": -4000, "ben": -6000 + 100}
    november = months.reckon(shop.db, "2026-11")
    statement = {row.userid: row for row in statements.statement(shop.db, november)}
    assert (statement["anna"].returns_fen, statement["anna"].pay_fen) == (-4000, -120)
    assert (statement["ben"].sales_fen, statement["ben"].returns_fen) == (100, -6000)
    assert statement["ben"].pay_fen == 3 - 180


def test_who_lost_a_customer_by_the_console_is_protected_too(shop, cli) -> None:
    """Anna to Ben to Cleo, assigned in WeCom's console; Anna left, and who gave is known late."""
    name, chain = "li", shop.chain
    external = chain.person(name, "13800000001", owner="anna", since="2026-09-01")
    for owner, when in (("ben", "2026-10-10 12:00"), ("cleo", "2026-10-20 12:00")):
        chain.person(name, "13800000001", owner=owner, since=when, seen=when)
        shop.db.execute("UPDATE follow SET add_way = 202 WHERE createtime = ?", (chain.at(when),))
    shop.at("2026-11-02")
    shop.take(*(f"S{day},2026-10-{day:02d} 13:00,,N1,13800000001,,,1,P,100.00,,"
                for day in (9, 10, 11, 20, 21)))  # fmt: skip
    shop.adopt(PROTECTED)
    assert shop.sums("2026-10") == {"anna": 50000}  # nobody knows that she gave the customer away
    for owner, seen, status in (("anna", "2026-10-11 03:00", "unassigned"),
                                ("ben", "2026-10-21 03:00", "handed_over")):  # fmt: skip
        follow_status_changed(shop.db, owner, external, status, source="sync", ref="1",
                              now=chain.at(seen))  # fmt: skip
    want = {"anna": 10000 + 2 * 4000, "ben": 2 * 6000 + 2 * 4000, "cleo": 2 * 6000}
    assert shop.sums("2026-10") == want
    follow_status_changed(shop.db, "anna", external, "handed_over", source="sync", ref="1",
                          now=chain.at("2026-10-12"))  # fmt: skip
    assert shop.sums("2026-10") == want  # how late it is noticed changes nothing
    told = cli("commission", "explain", "S11#1", "--json").json
    assert "handed the customer over on 2026-10-10, protected for 30 days" in json.dumps(told)


def test_a_closed_line_is_explained_by_what_was_known_then(october, cli) -> None:
    """A handover of October that is known after it was closed; then a correction of the order."""
    shop = october

    def told(line):
        answer = cli("commission", "explain", line)
        assert answer.code == 0, answer.err
        return answer.out

    shop.adopt(PROTECTED)
    shop.at("2026-11-03")
    shop.close("2026-10")
    before = told("S1")
    assert "As 2026-10 was closed:\n  Anna (anna), owner: 100.01 × 100 % = 100.01" in before
    shop.handover("li", "anna", "cleo", "2026-10-03 12:00", "2026-11-20")
    assert [each["state"] for each in made_again(shop, "S1#1")] == ["closed", "stands"]
    after = told("S1")
    arithmetic = before.partition("As 2026-10 was closed")[2].rstrip()
    assert arithmetic in after
    assert "would be shared otherwise. The order did not change since 2026-10 was closed" in after
    assert "Cleo (cleo), owner: 100.01 × 60 % = 60.01" in after
    assert shop.sums("2026-11") == {}
    shop.take("S1,2026-10-05 10:00,,N1,13800000001,cleo,,1,P,90.01,,")
    after = told("S1")
    assert arithmetic in after
    assert "the difference to what was closed lands in 2026-11:" in after
    assert [each["state"] for each in made_again(shop, "S1#1")] == ["closed", "late"]
    assert shop.sums("2026-11") == {"anna": 3600 - 10001, "cleo": 5401}
    shop.take("S2,2026-10-20 10:00,,N1,13800000001,cleo,,2,P,200.00,,")  # line 1 is there no more
    assert "lands in 2026-11:\n  2026-11: Anna (anna) -80.00" in told("S2#1")


def test_a_return_is_explained_by_its_sale(october, cli) -> None:
    shop = october
    shop.adopt(PROTECTED)
    shop.close("2026-10")
    shop.at("2026-12-02")
    shop.take("R1,2026-11-03 10:00,,N1,13800000001,ben,,1,P,-50.00,S2,",
              "R2,2026-11-04 10:00,,N1,13800000001,ben,,1,P,-100.00,S2,",
              "R3,2026-11-05 10:00,,N1,13800000001,ben,,1,P,-70.00,S2,",
              "R4,2026-11-05 10:00,,N1,13800000001,ben,,1,P,-70.00,S99,")  # fmt: skip
    for line in ("R1#1", "R2#1", "R3#1", "R4#1"):
        assert [each["state"] for each in made_again(shop, line)] == ["open"]
    told = cli("commission", "explain", "R2").out
    assert (
        "Anna (anna), former owner: S2#1 gave 80.00 of 200.00; of 150.00 given back in all 60.00"
        " are due, 20.00 of 50.00 were before: -40.00" in told
    )
    assert "house v1" in told
    told = cli("commission", "explain", "R3").out
    assert "of 200.00 given back in all 80.00 are due, 60.00 of 150.00 were before" in told
    assert "  shop pool: -20.00 × 100 % = -20.00: more than was sold" in told
    assert "of 50.00 given back 20.00 are due: -20.00" in cli("commission", "explain", "R1").out


def test_a_closed_month_never_changes_and_what_comes_later_lands_in_the_next(october) -> None:
    shop = october
    shop.adopt(FIRST_BIND)
    closed = shop.close("2026-10")
    before = months.reckon(shop.db, "2026-10")
    assert before.entries == closed.entries
    shop.at("2026-11-10")
    shop.chain.person("wu", "13999999999", owner="cleo", since="2026-10-02")
    from storeops import domain

    domain.refreshed(shop.db, shop.now)  # S3 finds its customer
    shop.take(
        "S1,2026-10-05 10:00,,N1,13800000001,cleo,,1,P,90.01,,",  # corrected
        "S2,2026-10-20 10:00,已取消,N1,13800000001,cleo,,1,P,200.00,,",  # cancelled
        "S9,2026-10-29 10:00,,N1,13800000001,,,1,P,7.00,,",  # late
    )
    shop.adopt(SPLIT)  # other rules: what was closed is settled by its own
    assert months.reckon(shop.db, "2026-10").entries == before.entries
    assert shop.sums("2026-11") == {"anna": -1000, "ben": -20000 + 700, "": -5000, "cleo": 5000}
    reasons = {each.key[1]: each.share.reason[0]
               for each in months.reckon(shop.db, "2026-11").entries}  # fmt: skip
    assert reasons == {"S1": "changed", "S2": "cancelled", "S9": "late", "S3": "matched"}
    assert {each.kind for each in months.reckon(shop.db, "2026-11").entries} == {"change"}
    shop.at("2026-12-05")
    shop.close("2026-11")
    assert shop.sums("2026-12") == {}  # booked once
    with pytest.raises(ConflictError):
        shop.close("2026-10")
    with pytest.raises(ConflictError):
        shop.close("2027-01")
    for text in ("UPDATE commission_entry SET share_fen = 1", "DELETE FROM commission_entry"):
        with pytest.raises(sqlite3.IntegrityError), shop.db.atomic() as connection:
            connection.execute(text)


def test_owners_before_the_first_sync_are_said_to_be_unknown(shop) -> None:
    shop.chain.person("li", "13800000001", owner="anna", since="2026-10-10", seen="2026-10-12")
    shop.chain.person("wu", "13800000002", owner="ben", since="2026-09-01", seen="2026-10-12")
    shop.take("S1,2026-10-05 10:00,,N1,13800000001,,,1,P,10,,",
              "S2,2026-10-05 10:00,,N1,13800000002,,,1,P,20,,",
              "S3,2026-10-11 10:00,,N1,13800000001,,,1,P,40,,")  # fmt: skip
    shop.adopt(FIRST_BIND)
    found = {each.key[1]: (each.share.userid, each.share.reason[0])
             for each in months.reckon(shop.db, "2026-10").entries}  # fmt: skip
    assert found == {"S1": ("", "unknown_owner"), "S2": ("ben", "owner"), "S3": ("anna", "owner")}


def test_schemes_roles_and_bounds(shop) -> None:
    shop.chain.person("li", "13800000001", owner="anna", since="2026-01-01")
    shop.take(
        "S0,2026-10-01 10:00,,N1,13800000001,,ben,1,P,1.00,,",
        "S1,2026-10-05 10:00,,N1,13800000001,cleo,,1,P,1.00,,",
        "S2,2026-10-06 10:00,,N2,13800000001,,,1,P,1.00,,",
        "S3,2026-10-07 10:00,,N1,13800000001,ghost,,1,P,1.00,,",
    )

    def who(text, number):
        entries = months.reckon(shop.db, "2026-10", rules=shop.rules(text)).entries
        return {each.share.userid: each.share.share_fen
                for each in entries if each.key[1] == f"S{number}"}  # fmt: skip

    assert who('scheme = "till"', 1) == {"cleo": 100}
    assert who('scheme = "till"', 3) == {"": 100}
    assert who('scheme = "last-touch"', 0) == {"ben": 100}
    assert who('scheme = "last-touch"\nwithin_days = 30', 2) == {"cleo": 100}
    assert who('scheme = "last-touch"\nwithin_days = 1', 3) == {"anna": 100}
    assert who('scheme = "first-bind"\nbind_days = 30', 2) == {"": 100}
    split = 'scheme = "split"\nshares = { owner = 33.33, seller = 33.33, server = 33.34 }\n'
    assert who(split, 1) == {"anna": 33, "cleo": 33, "": 34}
    assert who(split + 'missing = "others"', 1) == {"anna": 50, "cleo": 50}
    assert who(split + 'missing = "owner"', 1) == {"anna": 67, "cleo": 33}
    two = '[[rule]]\nname = "a"\nscheme = "till"\n[[rule]]\nname = "b"\nscheme = "first-bind"\n'
    assert who(two + 'shops = ["n2"]', 2) == {"anna": 100}  # narrower
    assert who(two + 'shops = ["n2"]', 1) == {"cleo": 100}
    assert who(two + "priority = 1", 1) == {"anna": 100}
    assert who(two + "from = 2026-10-06\nuntil = 2026-10-06", 1) == {"cleo": 100}
    assert who(two + "from = 2026-10-06\nuntil = 2026-10-06", 2) == {"anna": 100}
    assert who('scheme = "till"\nchannels = ["web"]', 1) == {"": 100}


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('scheme = "til"', "scheme"), ("", "scheme"), ('scheme = "split"', "shares"),
        ('scheme = "split"\nshares = { owner = 60, seller = 30 }', "shares"),
        ('scheme = "split"\nshares = { boss = 100 }', "shares.boss"),
        ('scheme = "till"\nrate = 3', "rate"), ('scheme = "till"\nwher = "x"', "wher"),
        ('scheme = "till"\nfrom = "soon"', "from"), ('scheme = "till"\nshops = "N1"', "shops"),
        ('scheme = "till"\nprotection = { day = 3 }', "protection.day"),
        ('scheme = "till"\nprotection = { days = 3 }', "protection.former"),
        ('scheme = "till"\ncategories = ["/"]', "categories"),
        ('scheme = "till"\nfrom = 2026-02-01\nuntil = 2026-01-01', "until"),
    ],
)  # fmt: skip
def test_wrong_rules_are_refused_with_their_key(chain, cli, text, key) -> None:
    path = chain.file(text, "bad.toml")
    answer = cli("commission", "rule", "check", path, "--json")
    assert answer.code == 2
    assert answer.error["message"].startswith(f"{path}: {key} is ")


def test_commands_slips_and_journal(october, cli, tmp_path) -> None:
    import openpyxl

    shop = october
    path = shop.chain.file(PROTECTED, "house.toml")
    assert (
        cli("commission", "run", "--month", "2026-10", "--json").json["items"][0]["role"] == "pool"
    )
    assert cli("commission", "close", "--month", "2026-10", "--yes").code == 9  # no rule
    assert cli("commission", "rule", "use", path, "--json").json["adopted"][0]["version"] == 1
    assert cli("commission", "rule", "use", path, "--json").json["adopted"] == []
    items = cli("commission", "run", "--month", "2026-10", "--json").json["items"]
    assert items[0] == {
        "order_line": "S1#1", "order_no": "S1", "paid_at": "2026-10-05T02:00:00Z",
        "amount_fen": 10001, "userid": "anna", "role": "owner", "share_fen": 10001,
        "rule": "house", "rule_version": 1, "reason": "had the customer since 2026-09-01",
    }  # fmt: skip
    said = cli("commission", "run", "--month", "2026-10")
    assert "storeops commission close --month 2026-10" in said.err
    assert "commission close" not in cli("commission", "run", "--month", "2026-11").err
    assert cli("commission", "close", "--month", "2026-11", "--yes").code == 9  # not over
    assert cli("commission", "close", "--month", "2026-10").code == 2  # nobody can be asked
    done = cli("commission", "close", "--month", "2026-10", "--yes", "--json").json
    assert done["share_fen"] == 36001
    told = cli("commission", "statement", "--month", "2026-10", "--json").json
    assert (told["share_fen"], told["pay_fen"]) == (36001, done["pay_fen"])
    total = 0
    for kind in ("xlsx", "html"):
        folder = tmp_path / "slips"
        words = ("commission", "statement", "--month", "2026-10", "--slips", str(folder))
        files = cli(*words, "--kind", kind, "--json").json["files"]
        assert {each["userid"] for each in files} == {"anna", "ben", ""}
        assert sum(each["share_fen"] for each in files) == 36001
        (folder / f"2026-10-anna.{kind}").unlink()  # the first of them; the others are there
        refused = cli(*words, "--kind", kind)
        assert (refused.code, "--force" in refused.err) == (2, True)
        assert not (folder / f"2026-10-anna.{kind}").exists(), "refused as a whole"
        assert cli(*words, "--kind", kind, "--force").code == 0
        for each in files if kind == "xlsx" else ():
            rows = list(openpyxl.load_workbook(each["file"]).active.values)
            shares = [round(row[5] * 100) for row in rows[3:-1]]
            assert round(rows[-1][5] * 100) == sum(shares) == each["share_fen"]
            total += sum(shares)
    assert total == 36001
    assert "184.01" in (folder / "2026-10-anna.html").read_text(encoding="utf-8")
    kinds = [kind for (kind,) in shop.db.execute("SELECT kind FROM journal ORDER BY seq")]
    assert kinds == ["commission.rule", "commission.closed"]
    assert cli("audit", "verify").code == 0
    shown = cli("commission", "explain", "S2", "--json").json
    (closed,) = shown["reckoned"]
    assert (closed["state"], closed["month"]) == ("closed", "2026-10")
    assert [(each["userid"], each["share_fen"]) for each in closed["parts"]] == [
        ("anna", 8000), ("ben", 12000),
    ]  # fmt: skip
    assert cli("commission", "explain", "S2").code == 0
    assert cli("commission", "explain", "S7").code == 5
    assert cli("commission", "rule", "retire", "house").code == 0


def test_what_is_asked_for_wrongly_is_said_and_changes_nothing(october, cli) -> None:
    shop = october
    file = shop.chain.file(PROTECTED, "house.toml")
    for words, code, said in (
        (("explain", "S1", "--source", "web"), 5, "Sources that have it: till."),
        (("explain", ""), 5, "There is no order line “”."),
        (("statement", "--force"), 2, "--slips FOLDER"),
        (("statement", "--kind", "html"), 2, "--slips FOLDER"),
        (("statement", "--slips", file), 2, f"{file} is no folder."),
    ):
        answer = cli("commission", *words)
        assert (answer.code, said in answer.err) == (code, True), answer.err
    shop.adopt(PROTECTED)
    answer = cli("commission", "close", "--month", "2025-01", "--yes")
    assert (answer.code, "The first order is of 2026-10." in answer.err) == (9, True)
    assert cli("commission", "close", "--month", "2026-10", "--yes").code == 0


def test_erasing_a_person_keeps_the_sums_of_closed_months(october, cli) -> None:
    shop = october
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    before = shop.sums("2026-10")
    external = "wm" + f"{'li':x<30}"
    answer = cli("audit", "erase", external, "--yes", "--json")
    assert answer.code == 0, answer.err
    assert answer.json["commission_lines"] == 3
    assert shop.sums("2026-10") == before
    rows = shop.db.rows("SELECT order_no, external_userid FROM commission_entry")
    assert {row["order_no"] for row in rows if row["order_no"][:6] != "erased"} == {"S3"}
    assert external not in {row["external_userid"] for row in rows}
    shop.at("2026-12-05")
    assert shop.sums("2026-11") == {}


def test_erasing_a_person_leaves_no_number_of_an_order_in_a_reason(october, cli) -> None:
    """What gives back names the sale's line, and so does what changed of that later."""
    shop = october
    shop.adopt(FIRST_BIND)
    shop.close("2026-10")
    shop.at("2026-12-02")
    shop.take("R2,2026-11-03 10:00,,N1,13800000001,ben,,1,P,-100.00,S2,")
    shop.close("2026-11")
    shop.at("2027-01-02")
    shop.take("R2,2026-11-03 10:00,,N1,13800000001,ben,,1,P,-90.00,S2,")
    shop.close("2026-12")
    reasons = "SELECT reason FROM commission_entry WHERE month > '2026-10'"
    before = [reason for (reason,) in shop.db.execute(reasons)]
    assert [reason.startswith('["return') for reason in before] == [True, False]
    assert all("S2#1" in reason for reason in before)
    assert cli("audit", "erase", "wm" + f"{'li':x<30}", "--yes").code == 0
    assert not any("S2" in reason for (reason,) in shop.db.execute(reasons))


def test_a_guide_is_named_however_the_userid_is_written(shop) -> None:
    shop.db.execute("UPDATE staff SET userid = 'LinXia', name = 'Lin Xia' WHERE userid = 'anna'")
    shop.chain.person("li", "13800000001", owner="LinXia", since="2026-09-01")
    shop.at("2026-11-02")
    shop.take("S1,2026-10-05 10:00,,N1,13800000001,cleo,,1,P,100.01,,")
    shop.adopt(FIRST_BIND)
    (row,) = statements.statement(shop.db, months.reckon(shop.db, "2026-10"))
    assert (row.userid, row.name) == ("LinXia", "Lin Xia")
    shop.at("2026-11-03")
    shop.close("2026-10")
    shop.db.execute("UPDATE staff SET userid = 'linxia2' WHERE userid = 'LinXia'")  # by WeCom
    assert shop.sums("2026-10") == {"linxia2": 10001}
    (closed,) = made_again(shop, "S1#1")
    assert [each["userid"] for each in closed["parts"]] == ["linxia2"]


# -- properties -----------------------------------------------------------------------------------


def test_shares_sum_and_returns_cancel_for_random_weights() -> None:
    dice = random.Random(3)
    for _each in range(500):
        parts = [Part(str(at), "owner", dice.randrange(0, 10**8), ("owner", {"since": ""}))
                 for at in range(dice.randint(1, 6))]  # fmt: skip
        amount = dice.choice((0, 1, 3, 100, dice.randrange(10**9))) * dice.choice((1, -1))
        shares = shares_of(amount, parts)
        assert sum(each.share_fen for each in shares) == amount
        weights = [each.weight for each in parts]
        exact = [amount * each / (sum(weights) or 1) for each in weights]
        if any(weights):
            assert all(abs(a.share_fen - b) < 1.001 for a, b in zip(shares, exact, strict=True))
        given, before = [abs(each.share_fen) for each in shares], [0] * len(shares)
        for fen in sorted(dice.randint(0, abs(amount)) for _each in range(3)):
            taken = given_back(given, fen)
            assert sum(taken) == fen
            assert all(0 <= old <= new for old, new in zip(before, taken, strict=True))
            assert all(abs(each - fen * share / (sum(given) or 1)) < 2
                       for each, share in zip(taken, given, strict=True))  # fmt: skip
            before = taken
        assert given_back(given, abs(amount)) == given
        rate = dice.randrange(1_000_000)
        assert paid_of(amount, rate) == -paid_of(-amount, rate)
        assert apportioned(amount, weights) == [each.share_fen for each in shares]


@pytest.mark.parametrize("seed", range(6))
def test_random_months(shop, seed) -> None:
    """Random rules, sales, partial returns, handovers and orders of arrival."""
    dice = random.Random(seed)
    guides = ["anna", "ben", "cleo"]
    for person in range(4):
        shop.chain.person(f"p{person}", f"1380000000{person}", owner=dice.choice(guides),
                          since="2026-09-01", seen="2026-09-02")  # fmt: skip
    sales, returns, amounts, back = [], [], {}, defaultdict(int)
    for number in range(25):
        fen, person = dice.randint(1, 30_000), dice.randrange(5)
        amounts[number] = fen
        sales.append(
            f"S{number},2026-10-{dice.randint(1, 28):02d} {dice.randint(8, 21):02d}:00,,N1,"
            f"1380000000{person},{dice.choice(['', 'ghost', *guides])},"
            f"{dice.choice(['', *guides])},1,P,{fen / 100},,"
        )
        left = fen
        for part in range(dice.randint(0, 3)):
            piece = left if dice.random() < 0.4 else dice.randint(0, left)
            left -= piece
            back[number] += piece
            returns.append(
                f"R{number}-{part},2026-{dice.choice(('10', '11'))}-{dice.randint(1, 28):02d}"
                f" 22:00,,N1,1380000000{person},,,1,P,{-piece / 100},S{number},"
            )
    shares = {"owner": dice.randrange(0, 51), "server": dice.randrange(0, 26)}
    shares["seller"] = 100 - sum(shares.values())
    text = (
        'scheme = "split"\nrate = "2.5%"\nshares = { '
        + ", ".join(f"{role} = {share}" for role, share in shares.items())
        + f' }}\nmissing = "{dice.choice(rules.MISSING)}"\n'
        + "[protection]\ndays = 20\nformer = 33.33\n"
    )
    owner = shop.db.execute(
        "SELECT s.userid FROM follow f JOIN staff s ON s.id = f.staff_id JOIN customer c"
        " ON c.id = f.customer_id WHERE c.name = 'p0'"
    ).fetchone()[0]
    to_owner = next(each for each in guides if each != owner)
    shop.handover("p0", owner, to_owner, "2026-10-12 12:00", "2026-10-13")
    shop.at("2026-12-01")
    shop.adopt(text)
    rows = sales + returns
    dice.shuffle(rows)
    half = dice.randrange(len(rows))
    shop.take(*rows[:half], source="till")
    shop.take(*rows, source="till")
    lines = {each.key: each for month in ("2026-10", "2026-11")
             for each in months.reckon(shop.db, month).entries}  # fmt: skip
    for month in ("2026-10", "2026-11"):
        totals = Counter()
        for each in months.reckon(shop.db, month).entries:
            totals[each.key] += each.share.share_fen
        for key, total in totals.items():
            assert total == lines[key].amount_fen, key

    def held(*which):
        """Order → (userid, role) → fen and pay, over all months."""
        found = defaultdict(Counter)
        for month in which:
            for each in months.reckon(shop.db, month).entries:
                number = each.key[1].partition("-")[0][1:]
                found[number][each.share.userid.casefold(), each.share.role] += each.share.share_fen
                found[number]["pay"] += each.pay_fen
        return found

    whole = held("2026-10", "2026-11")
    for number, fen in amounts.items():
        assert sum(v for k, v in whole[str(number)].items() if k != "pay") == fen - back[number]
        if back[number] == fen:  # given back whole: nobody keeps a fen
            assert not any(whole[str(number)].values()), number
    # closed in the middle, everything still arrives: nothing differs in the end, October stays
    first = months.reckon(shop.db, "2026-10").entries
    shop.close("2026-10")
    shop.take(*reversed(rows), source="till")
    assert months.reckon(shop.db, "2026-10").entries == first
    assert held("2026-10", "2026-11") == whole
    # later facts: October is explained by what was known when it was closed, and the rest added
    names = [f"{row.partition(',')[0]}#1" for row in (*sales[:6], *returns[:6])]
    before = {name: made_again(shop, name) for name in names}
    assert {each["state"] for several in before.values() for each in several} <= {"closed", "open"}
    shop.handover("p1", "anna", "ben", "2026-10-11 12:00", "2026-11-29")
    corrected = []
    for row in dice.sample(rows, 12):
        cells = row.split(",")
        cells[2], cells[9] = dice.choice((("", "7.77"), ("已取消", cells[9]), ("", cells[9])))
        cells[9] = f"-{cells[9]}" if cells[11] and cells[9][0] != "-" else cells[9]
        corrected.append(",".join(cells))
    shop.take(*corrected)
    shop.take(f"S1,2026-10-09 09:00,,N1,13800000001,,,1,P,{amounts[1] / 100},,")
    for name in names:
        said = made_again(shop, name)
        assert [each for each in said if each["state"] == "closed"] == [
            each for each in before[name] if each["state"] == "closed"
        ], name
        assert {each["state"] for each in said[1:]} <= {"late", "stands"}, name
    shop.at("2026-12-02")
    shop.close("2026-11")
    for name in names:
        assert "late" not in {each["state"] for each in made_again(shop, name)}, name


def made_again(shop, line):
    """How a line was reckoned, as `explain` says; every figure is made again from its words."""
    said = json.loads(json.dumps(explained.explain(shop.db, explained.find_line(shop.db, line))))
    paid = Counter()
    for each in said["reckoned"]:
        for sale in {one["gives_back"] for one in each["parts"]}:
            parts = [one for one in each["parts"] if one["gives_back"] == sale]
            weights, (before, after) = (
                [one["weight"] for one in parts],
                (parts[0]["before_fen"], parts[0]["after_fen"]),
            )
            assert {one["weight_total"] for one in parts} == {sum(weights)}
            again = [old - new for old, new in zip(
                given_back(weights, before), given_back(weights, after), strict=True
            )] if sale else apportioned(after, weights)  # fmt: skip
            assert [one["share_fen"] for one in parts] == again
        due = Counter()
        for one in each["parts"]:
            due[one["userid"].casefold(), one["role"]] += one["share_fen"]
        for one in each["entries"]:
            paid[one["userid"].casefold(), one["role"]] += one["share_fen"]
        if each["state"] in ("closed", "open", "late"):  # all that is paid is what is due
            assert +paid == +due
            assert -paid == -due
    booked = [one for each in said["reckoned"] for one in each["entries"]]
    source, order_no, number = said["source"], said["order_no"], int(line.rpartition("#")[2])
    kept = {month for (month,) in shop.db.execute("SELECT month FROM commission_month")}
    if kept:
        kept.add(following(max(kept)))
    for month in kept | {one["month"] for one in booked}:
        entries = [each for each in months.reckon(shop.db, month).entries
                   if each.key == (source, order_no, number)]  # fmt: skip
        assert [(each.share.userid, each.share.share_fen, each.pay_fen) for each in entries] == [
            (one["userid"], one["share_fen"], one["pay_fen"])
            for one in booked if one["month"] == month
        ]  # fmt: skip
    return said["reckoned"]


def test_a_rule_that_never_counts_is_named_when_it_is_adopted(october, cli) -> None:
    def use(text):
        return cli("commission", "rule", "use", october.chain.file(text, "more.toml")).err

    assert "never counts" not in use(FIRST_BIND.replace("house", "every one"))
    said = use(FIRST_BIND)  # of equal rank: by name
    assert "house never counts: every one fits the same orders" in said
    assert "storeops commission rule retire 'every one'" in said
    narrow = FIRST_BIND.replace("house", "shoes") + 'categories = ["Shoes"]\n'
    assert "shoes never counts" not in use(narrow)
    boots = narrow.replace('"shoes"', '"boots"', 1).replace('["Shoes"]', '["shoes/boots"]')
    assert "boots never counts" not in use(boots + "priority = 1\n")
    assert "boots never counts: shoes fits" in use(boots + "priority = -1\n")
    assert "house never counts" not in use(FIRST_BIND + "priority = 1\n")


def test_a_first_rule_is_printed_and_can_be_adopted(october, cli) -> None:
    assert "No rule is in force" in cli("commission", "preview", "--month", "2026-10").err
    text = cli("commission", "rule", "template").out
    path = october.chain.file(text, "commission.toml")
    assert cli("commission", "rule", "use", path).code == 0
    assert "No rule" not in cli("commission", "preview", "--month", "2026-10").err
    assert october.sums("2026-10")["anna"] == 10001 + 8000 + 400  # protected by 40 %
    told = cli("commission", "explain", "S2#1").out
    assert "Anna (anna), former owner: 200.00 × 40 %" in told
    assert "Ben (ben) from " in told
