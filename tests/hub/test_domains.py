"""Rows of domains travel as they declare it; at a back office they are read, not written."""

from __future__ import annotations

import json
import time

import pytest

from storeops import times
from storeops.changes import submissions
from storeops.domains.care import matters, tasks
from storeops.domains.orders import summary
from storeops.domains.report.behaviour import china_days
from storeops.errors import PolicyError
from storeops.hub import asking, attempts, checks, following, outbox, requests
from storeops.operations import reports
from tests.conftest import Cli
from tests.hub.conftest import CODES, Chain
from tests.hub.test_truth import rows

ORDER = (
    "INSERT INTO orders_order (source_id, order_no, status, paid_at, amount_fen, currency, channel,"
    " shop, store_id, buyer_id, customer_id, digest, first_seen_at, updated_at)"
    " VALUES (1, ?, 'paid', ?, 900, 'CNY', 'till', ?, ?, ?, ?, 0, 0, 0) RETURNING id"
)


@pytest.fixture(scope="module")
def sold(made: Chain) -> dict[str, tuple[int, str]]:
    """One order and one task at each shop; code → customer.id, userid of the guide."""
    found = {}
    data, now = made.office.data, int(time.time())
    with data.atomic() as connection:
        connection.execute("INSERT INTO orders_source (id, name, created_at) VALUES (1, 'pos', 0)")
        connection.executemany(
            "INSERT INTO orders_product (code, name, updated_at) VALUES (?, ?, 0)",
            [("M1", "Milk"), ("b", "Bread"), ("奶", "Milk")],
        )
        for buyer, (code, shop) in enumerate(zip(CODES, made.departments, strict=True), 1):
            customer, external, userid = connection.execute(
                "SELECT c.id, c.external_userid, s.userid FROM follow AS f JOIN customer AS c"
                " ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id"
                " WHERE f.store_id = ? AND f.status = 'active' AND s.main_department = ?"
                " AND (SELECT count(*) FROM follow AS o WHERE o.customer_id = c.id) = 1",
                (shop, shop),
            ).fetchone()
            connection.execute(
                "INSERT INTO orders_buyer (id, external_userid, customer_id, reason)"
                " VALUES (?, ?, ?, '')",
                (buyer, external, customer),
            )
            (order,) = connection.execute(
                ORDER, (f"A{buyer}", now, code, shop, buyer, customer)
            ).fetchone()
            connection.execute(
                "INSERT INTO orders_line VALUES (?, 1, 'm1', 'Milk', 1000, 900, 0)", (order,)
            )
            connection.execute(
                "INSERT INTO care_task (customer_id, external_userid, reason, kind, subject,"
                " userid, due_at, day, priority, facts, created_at)"
                " VALUES (?, ?, 'r', 'silent', ?, ?, ?, ?, 1, '{}', 0)",
                (customer, external, code, userid, now, times.day(now)),
            )
            found[code] = (customer, userid)
            matters.open_matter(data, external, matters.COMPLAINT, f"cold {code}", "head", now)
    summary.refresh(data, {customer for customer, _userid in found.values()}, now)
    made.settle()
    return found


def test_orders_and_care_of_a_shop_are_there_and_nobody_elses(
    chain: Chain, sold: dict[str, tuple[int, str]], cli: Cli
) -> None:
    for number, code in enumerate(CODES, 1):
        at = ("--profile", f"shop-{code}")
        back = chain.backs[code]
        customer, userid = sold[code]
        orders = cli(*at, "order", "list", "--json").json["items"]
        assert [each["order_no"] for each in orders] == [f"A{number}"]
        shown = cli(*at, "order", "show", f"A{number}", "--json").json
        assert [line["name"] for line in shown["lines"]] == ["Milk"]
        assert len(cli(*at, "product", "list", "--json").json["items"]) == 3
        bought = cli(*at, "customer", "list", "--where", "bought:M1", "--json").json["items"]
        assert len(bought) == 1
        assert rows(back, "SELECT customer_id FROM orders_customer") == [(customer,)]
        assert rows(back, "SELECT customer_id FROM orders_buyer") == [(customer,)]
        cared = cli(*at, "care", "list", "--json").json["items"]
        assert [(each["userid"], each["subject"]) for each in cared] == [(userid, code)]
        (cold,) = cli(*at, "care", "complaint", "list", "--json").json["items"]
        assert cold["text"] == f"cold {code}"


@pytest.mark.usefixtures("sold")
def test_what_head_office_keeps_is_not_written_at_a_shop(chain: Chain, cli: Cli) -> None:
    at = ("--profile", f"shop-{CODES[0]}")
    (external, cold) = rows(chain.backs[CODES[0]], "SELECT external_userid, id FROM care_matter")[0]
    for words in (
        ("care", "plan"), ("value", "run"), ("order", "match"),
        ("store", "map", str(chain.departments[0]), "--code", "X"),
        ("store", "map", str(chain.departments[0]), "--forget"),
        ("care", "complaint", "close", str(cold), "--result", "warmed"),
        ("care", "quiet", external), ("care", "birthday", external, "05-01"),
    ):  # fmt: skip
        refused = cli(*at, *words, "--json")
        assert refused.code == 11, (words, refused)
        assert "Head office" in refused.error["message"]
    # at the table, whoever writes, and asks nobody
    back = chain.backs[CODES[0]].data
    for table in ("care_task", "orders_line", "shop"):
        with pytest.raises(PolicyError), back.atomic() as connection:
            connection.execute(f"DELETE FROM {table}")
    # what does not flow says so, and no figure is told that is not head office's
    for words in (
        ("stock", "list"), ("commission", "preview", "--month", "2026-05"),
        ("contact-way", "list"), ("lot", "show", "x"),
        ("report", "daily"), ("report", "photos"), ("stats", "--on", "yesterday"),
    ):  # fmt: skip
        refused = cli(*at, *words, "--json")
        assert refused.code == 11, (words, refused)
        assert "ead office" in refused.error["message"]
    assert cli(*at, "stats", "--json").code == 0
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE orders_order SET store_id = ?", (chain.departments[1],))
        connection.execute("DELETE FROM orders_product WHERE code = 'B'")
    chain.settle()
    assert outbox.waiting(chain.office.data)[0] == 0
    for code, count in zip(CODES, (0, 2), strict=True):
        for table in ("orders_order", "orders_line", "orders_buyer"):
            assert rows(chain.backs[code], f"SELECT count(*) FROM {table}") == [(count,)], table
        assert rows(chain.backs[code], "SELECT code FROM orders_product") == [("M1",), ("奶",)]
    # a shop hears of its own tills alone; whose they are changed, and no sum did
    tills = "SELECT value FROM orders_place WHERE what = 'shop' ORDER BY value"
    assert [rows(chain.backs[code], tills) for code in CODES] == [[], [(CODES[1],)]]
    assert not any(checks.differences(chain.office.data, each) for each in chain.departments)


@pytest.mark.usefixtures("sold")
def test_how_a_task_ended_at_a_shop_is_known_at_head_office(chain: Chain, cli: Cli) -> None:
    """At once here, there when there is a line; what head office has otherwise wins."""
    chain.settle()
    at, data = ("--profile", f"shop-{CODES[0]}"), chain.office.data
    back = chain.backs[CODES[0]]
    tasks_ = [row[0] for row in rows(chain.office, "SELECT id FROM care_task ORDER BY id")]
    mine, theirs = tasks_
    put_off = cli(*at, "care", "snooze", str(mine), "3d", "--json")
    assert put_off.code == 0, put_off
    assert rows(chain.backs[CODES[0]], "SELECT snoozes FROM care_task") == [(1,)]
    done = cli(*at, "care", "done", str(mine), "--note", "glad", "--json")
    assert (done.code, done.json["status"]) == (0, "done"), done
    assert rows(chain.office, "SELECT status FROM care_task WHERE id = ?", mine) == [("open",)]
    assert following.follow(chain.backs[CODES[0]], once=True).submitted == 2
    ((status, by, note, snoozes),) = rows(
        chain.office, "SELECT status, ended_by, note, snoozes FROM care_task WHERE id = ?", mine
    )
    assert (status, note, snoozes, by.startswith(f"{CODES[0]}/")) == ("done", "glad", 1, True)
    chain.settle()
    columns = "status, ended_by, note, due_at, ended_at"
    assert rows(
        chain.backs[CODES[0]], f"SELECT {columns} FROM care_task WHERE id = ?", mine
    ) == rows(chain.office, f"SELECT {columns} FROM care_task WHERE id = ?", mine)
    # ended there meanwhile: the shop's word is refused, and head office's comes again
    with data.atomic() as connection:
        connection.execute("UPDATE care_task SET status = 'open', ended_at = NULL")
    chain.settle()
    assert cli(*at, "care", "skip", str(mine), "--reason", "no time").code == 0
    tasks.end_task(data, mine, "done", "head", time.time(), "called")
    chain.settle()  # the shop's word goes up, and head office's comes down
    chain.settle()
    assert rows(chain.backs[CODES[0]], "SELECT status, note FROM care_task") == [("done", "called")]
    assert submissions.refused(back.data, 0)
    # the same twice is once; another shop's task, and what is none
    join, ledger = chain.files[CODES[0]], chain.office.ledger
    for body, what in (
        ({"task": theirs, "status": "done", "note": ""}, "not_its_own"),
        ({"task": mine, "status": "gone", "note": ""}, "unreadable"),
        ({"task": mine, "status": "done"}, "unreadable"),
    ):
        name = f"care_task-{what}{len(body)}"
        told = json.dumps({"body": body, "by": "x", "at": time.time()}).encode()
        message = asking.submission_message(join, name, "care_task", told)
        answer = requests.receive(ledger, join.store, message)
        assert answer["refused"], body
        assert requests.receive(ledger, join.store, message) == answer
        assert what in {each.what for each in attempts.recent(data, time.time())}, body
    assert rows(chain.office, "SELECT status FROM care_task WHERE id = ?", theirs) == [("open",)]


def test_a_command_catches_up_first(chain: Chain, cli: Cli) -> None:
    """And says as of when it reads when head office is away; then it asks no more for a while."""
    chain.settle()
    at = ("--profile", f"shop-{CODES[0]}")
    back = chain.backs[CODES[0]]

    def later() -> None:
        with back.data.atomic() as connection:
            connection.execute("UPDATE hub_state SET value = value - 10 WHERE key = 'caught_up_at'")
            connection.execute("DELETE FROM hub_state WHERE key = 'away_at'")

    (key, external) = rows(chain.backs[CODES[0]], "SELECT id, external_userid FROM customer")[0]
    with chain.office.data.atomic() as connection:
        connection.execute("UPDATE customer SET name = 'New name' WHERE id = ?", (key,))
    while outbox.waiting(chain.office.data)[0]:
        time.sleep(0.02)
    later()
    shown = cli(*at, "customer", "show", external, "--json")
    assert shown.json["name"] == "New name"
    assert "Head office" not in shown.err
    chain.rest()
    try:
        later()
        for _each in range(2):
            away = cli(*at, "customer", "show", external)
            assert away.code == 0
            assert "Head office was not reached: what it keeps is here as of" in away.err
        assert "Head office" not in cli(*at, "hub", "status").err
    finally:
        chain.serve()


def test_a_shop_reads_its_past_as_head_office_counted_it(chain: Chain, cli: Cli) -> None:
    """Its own lines, also after a customer of those days has left its mirror."""
    office, at = ("--profile", "office"), ("--profile", f"shop-{CODES[0]}")
    shop = chain.departments[0]
    with chain.office.data.atomic() as connection:
        day = china_days(reports.period(time.time(), on="today"))[0]
        connection.execute(
            "INSERT INTO report_behaviour SELECT userid, ?, 3, 9, 50, 4, 0, 1, 1, ? FROM staff",
            (day, time.time()),
        )
    kept = cli(*office, "report", "keep", "--on", "today", "--json").json
    assert kept["written"] >= len(CODES)
    assert len(kept["spans"]) == 1
    again = cli(*office, "report", "keep", "--on", "today", "--json").json
    assert again["written"] == 0, "what stayed the same is not sent again"
    counted = cli(*office, "report", "store", "--on", "today", "--json").json
    line = next(each for each in counted["stores"] if each["store_code"] == CODES[0])
    people = cli(*office, "report", "staff", "--on", "today", "--json").json["staff"]
    mine = [each for each in people if each["store"] == line["store"]]
    assert line["customers"] * line["chat_cnt"] * len(mine)
    with chain.office.data.atomic() as connection:  # one of them goes to another shop
        connection.execute(
            "UPDATE follow SET status = 'handed_over' WHERE id = (SELECT max(id) FROM follow"
            " WHERE store_id = ? AND status = 'active')",
            (shop,),
        )
    chain.settle()
    told = cli(*at, "report", "store", "--on", "today", "--json").json
    assert told["stores"] == [{**line, "week_before": None}]
    assert told["totals"]["customers"] == line["customers"]
    assert cli(*at, "report", "staff", "--on", "today", "--json").json["staff"] == mine
    daily = cli(*at, "report", "daily", "--on", "today", "--lang", "zh_CN")
    assert "还没有结束" in daily.out, daily
    refused = cli(*at, "report", "daily", "--on", "yesterday", "--json")
    assert refused.code == 11
    assert "ead office" in refused.error["message"]
    assert cli(*at, "report", "keep", "--json").code == 11
    cli(*office, "report", "keep", "--on", "today", "--json")
    chain.settle()
    count = "SELECT count(*), count(DISTINCT store_id) FROM report_kept"
    assert rows(chain.backs[CODES[0]], count) == [(1, 1)]
    told = cli(*at, "report", "store", "--on", "today", "--json").json
    assert told["totals"]["customers"] == line["customers"] - 1


def test_a_kind_that_the_version_before_did_not_know_is_published_whole(chain: Chain) -> None:
    """An upgrade of head office notes what is there already, of that kind and of no other."""
    data, back = chain.office.data, chain.backs[CODES[0]]
    chain.settle()
    count = "SELECT count(*) FROM report_behaviour WHERE day = 57600"
    chain.rest()
    try:
        with data.atomic() as connection:
            for (name,) in connection.execute(
                "SELECT name FROM sqlite_master WHERE name LIKE 'hub\\_note\\_report%' ESCAPE '\\'"
            ).fetchall():
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(
                "INSERT INTO report_behaviour SELECT userid, 57600, 3, 9, 50, 4, 0, 1, 1, 0"
                " FROM staff"
            )
        outbox.install(data)
        kinds = "SELECT DISTINCT kind FROM hub_outbox WHERE kind NOT LIKE 'report%'"
        assert data.execute(kinds).fetchall() == []
        assert outbox.waiting(data)[0]
    finally:
        chain.serve()
    chain.settle()
    assert rows(back, count) == rows(back, "SELECT count(*) FROM staff") != [(0,)]
    assert not checks.differences(data, chain.departments[0])
