"""The morning: each guide has her own tasks, each once a day, nothing of it is lost or doubled."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from storeops import config, secrets, times
from storeops.app import App
from storeops.domains.care import rules, sending, tasks
from storeops.domains.notify import outbox, targets
from storeops.plain import plain
from storeops.sandbox import local
from storeops.sync.run import run_sync
from tests.synced import synced

SHAPE = {"stores": 1, "staff": 4, "follows": 24, "seed": 5}


class Corp:
    """A sandbox whose customers each bought something three days ago."""

    def __init__(self, sandbox: local.SandboxHandle) -> None:
        self.sandbox, self.control = sandbox, sandbox.control
        profile = config.Profile("t", sandbox.corp_id, agent_id=sandbox.agent_id,
                                 base_url=sandbox.base_url, sandbox=True)  # fmt: skip
        config.save_profile(profile, make_default=True)
        secrets.save("t", sandbox.secret)
        self.app = App.open("t")

    def inbox(self) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.control.call("GET", "inbox")["items"]
        return rows

    def day_after(self) -> None:
        self.control.advance(86_400)
        self.app.client.learn_time()

    def plan(self) -> None:
        tasks.plan_care(self.app.data, self.app.clock.now())

    def buy(self, cli: Callable[..., Any], tmp_path: Path, about: str) -> None:
        now = times.local(self.app.clock.now()) - timedelta(days=3)
        people = self.app.data.execute("SELECT external_userid FROM customer")
        rows = [
            f"A{at},{now:%Y-%m-%d} 01:00,{external},X,{about},1,9"
            for at, (external,) in enumerate(people)
        ]
        file = tmp_path / "in" / "a.csv"
        file.parent.mkdir(exist_ok=True)
        file.write_text("order_no,paid_at,external_userid,code,product,quantity,amount\n"
                        + "\n".join(rows) + "\n", "utf-8")  # fmt: skip
        assert cli("order", "import", str(file), "--source", "till").code == 0


@pytest.fixture
def corp(home: Path) -> Iterator[Corp]:
    corp = synced(home, SHAPE, Corp, lambda made: run_sync(made.app))
    rules.adopt(corp.app.data, [rules.CareRule("works", "after-purchase", 3)], corp.app.clock.now())
    yield corp
    corp.app.close()
    corp.sandbox.stop()


def numbers(text: str) -> list[str]:
    return re.findall(r"^\d+\. (.*)$", text, re.MULTILINE)


def test_each_guide_hears_her_own_once_a_day(cli: Any, corp: Corp, tmp_path: Path) -> None:
    db = corp.app.data
    corp.buy(cli, tmp_path, "Phone of 13812345678 " + "x" * 150)
    corp.plan()
    open_ = tasks.list_tasks(db, corp.app.clock.now())
    guides = sorted({row["userid"] for row in open_})
    assert len(guides) > 1
    seen = cli("care", "send", "--dry-run", "--json").json["items"]
    assert sum(len(each["tasks"]) for each in seen) == len(open_)
    assert (len(seen) > len(guides), corp.inbox()) == (True, [])  # some need several messages
    assert cli("care", "send").code == 2  # nobody can be asked here
    # one guide's first message is refused: only that one goes again
    first = next(each for each in seen if each["userid"] == guides[0])
    corp.control.fault("errcode", "message/send", errcode=81013, match=guides[0], first=1)
    answer = cli("care", "send", "--yes", "--json")
    assert answer.code == 6
    (failed,) = (each for each in answer.json["items"] if each["status"] == "failed")
    assert (failed["userid"], failed["tasks"]) == (first["userid"], first["tasks"])
    done = cli("care", "done", str(first["tasks"][0]))  # meanwhile
    assert done.code == 0
    again = cli("care", "send", "--yes", "--json")
    assert (again.code, [(each["message"], each["tasks"]) for each in again.json["items"]]) == (
        0, [(failed["message"], first["tasks"][1:])],
    )  # fmt: skip
    assert cli("care", "send", "--yes", "--json").json["items"] == []
    assert cli("notify", "retry", "--json").json["messages"] == []
    # what arrived is each one's own, all of it, without a phone number, by nobody else's eyes
    heard: dict[str, list[str]] = {each: [] for each in guides}
    for row in corp.inbox():
        heard[row["to"]] += numbers(row["body"])
        assert len(row["body"].encode()) <= 2048
        assert "13812345678" not in row["body"]
        assert "138****5678" in row["body"]
    rest = [row for row in open_ if row["id"] != first["tasks"][0]]
    for userid, lines in heard.items():
        mine = [plain(row["customer"]) or "(no name)" for row in rest if row["userid"] == userid]
        assert len(lines) == len(mine)
        assert all(any(line.startswith(f"{name}: ") for line in lines) for name in mine)
    # a task that came in the course of the day, and the day after
    done_by = len(corp.inbox())
    row = next(row for row in open_ if row["userid"] == guides[1])
    key = db.execute("SELECT customer_id FROM care_task WHERE id = ?", (row["id"],)).fetchone()[0]
    fact = {"article": "Milk", "day": "today", "lot": "L1"}
    tasks.ask(db, "recall 1", [tasks.AskedTask(key, "recall", "L1", fact)], corp.app.clock.now())
    (late,) = cli("care", "send", "--yes", "--json").json["items"]
    assert (late["userid"], len(late["tasks"]), len(corp.inbox())) == (guides[1], 1, done_by + 1)
    corp.day_after()
    corp.plan()
    idle = {"userid": guides[1], "status": "not_activated"}  # WeCom takes it and leaves her out
    corp.control.call("POST", "handover/member", idle)
    told = cli("care", "send", "--yes", "--json").json["items"]
    assert {each["userid"] for each in told} == set(guides)
    assert {each["userid"] for each in told if each["status"] == "unreachable"} == {guides[1]}


def test_who_cannot_be_told_is_named_and_an_erasure_finds_the_message(
    cli: Any, corp: Corp, tmp_path: Path
) -> None:
    db, now = corp.app.data, corp.app.clock.now()
    corp.buy(cli, tmp_path, "Phone")
    corp.plan()
    one, two, *_more = sorted({row["userid"] for row in tasks.list_tasks(db, now)})
    targets.save(db, targets.own_name("guide", one), "chat", now, receivers={"chatid": "c"})
    answer = cli("care", "send", "--yes", "--json")
    by = {each["userid"]: each["status"] for each in answer.json["items"]}
    assert (answer.code, by[one], by[two]) == (0, "unreachable", "sent")
    assert [row["to"] for row in corp.inbox()] == sorted(set(by) - {one})
    row = next(row for row in tasks.list_tasks(db, now) if row["userid"] == two)
    assert cli("audit", "erase", row["external_userid"], "--yes").code == 0
    stays = [
        *db.execute("SELECT body || content FROM notify_message"),
        *db.execute("SELECT coalesce(after, '') FROM plan_row"),
    ]
    assert not [text for (text,) in stays if f"{plain(row['customer'])}: " in text]


def test_the_night_takes_in_watched_folders_and_sends(cli: Any, corp: Corp, tmp_path: Path) -> None:
    night = {each["name"]: each for each in cli("schedule", "defaults", "--json").json["items"]}
    order = ["sync", "orders", "match", "value", "care", "care-send"]
    for name in order[1:]:  # a chain without orders is no trouble
        assert cli(*night[name]["command"].split()[1:]).code == 0, name
    corp.buy(cli, tmp_path, "Phone")
    folder = tmp_path / "in"

    os.utime(folder / "a.csv", (1, 1))
    assert cli("order", "import", str(folder), "--source", "till", "--json").json["unchanged"] > 9
    text = (folder / "a.csv").read_text("utf-8")
    (folder / "b.csv").write_text(text.replace("A0,", "B0,"), "utf-8")
    os.utime(folder / "b.csv", (2, 2))
    hours = [tuple(int(each) for each in night[name]["cron"].split()[1::-1]) for name in order]
    assert hours == sorted(hours)
    for name in order[1:]:
        assert cli(*night[name]["command"].split()[1:]).code == 0, name
    assert corp.app.data.execute("SELECT count(*) FROM orders_order WHERE order_no = 'B0'"
                                 ).fetchone() == (1,)  # fmt: skip
    assert {row["to"] for row in corp.inbox()}
    for file in folder.iterdir():
        file.unlink()
    folder.rmdir()
    gone = cli("order", "import", "--watched", "--json")
    assert (gone.code, gone.json["sources"][0]["source"]) == (6, "till")
    assert cli("order", "unwatch", "till").code == 0
    assert cli("order", "import", "--watched", "--json").json == {"sources": []}


def test_what_a_limit_holds_back_is_sent_by_the_next_run(
    cli: Any, corp: Corp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    corp.buy(cli, tmp_path, "Phone")
    corp.plan()
    monkeypatch.setattr(sending, "SEND_S", 0.0)
    held = cli("care", "send", "--yes", "--json")
    assert (held.code, held.error["next_steps"]) == (69, ["storeops care send"])
    assert corp.inbox() == []
    monkeypatch.setattr(sending, "SEND_S", 60.0)
    again = cli("care", "send", "--yes", "--json")  # as the night does after 69
    assert (again.code, again.json["items"]) == (0, [])
    guides = {row["userid"] for row in tasks.list_tasks(corp.app.data, corp.app.clock.now())}
    assert sorted(row["to"] for row in corp.inbox()) == sorted(guides)


def test_an_erasure_or_a_passing_on_leaves_no_task_untold(
    cli: Any, corp: Corp, tmp_path: Path
) -> None:
    db, now = corp.app.data, corp.app.clock.now()
    corp.buy(cli, tmp_path, "Phone")
    corp.plan()
    open_ = tasks.list_tasks(db, now)
    one, two, *_more = sorted({row["userid"] for row in open_})
    ones = [row for row in open_ if row["userid"] == one]
    for row in ones[2:]:
        assert cli("care", "done", str(row["id"])).code == 0
    # waits for the end of quiet hours when one of its two customers is erased
    name, quiet = targets.own_name("guide", one), "00:00-23:59"
    targets.save(db, name, "app", now, receivers={"touser": one}, quiet=quiet)
    first = cli("care", "send", "--yes", "--json").json["items"]
    assert {each["userid"]: each["status"] for each in first}[one] == "waiting"
    assert cli("audit", "erase", ones[0]["external_userid"], "--yes").code == 0
    targets.save(db, name, "app", now, receivers={"touser": one})
    (again,) = cli("care", "send", "--yes", "--json").json["items"]
    assert (again["userid"], again["status"], again["tasks"]) == (one, "sent", [ones[1]["id"]])
    # the only one she heard of is erased; what comes later is a message of its own
    assert cli("audit", "erase", ones[1]["external_userid"], "--yes").code == 0
    key = db.execute("SELECT customer_id FROM care_task WHERE id = ?", (ones[2]["id"],)).fetchone()[
        0
    ]
    fact = {"article": "Milk", "day": "today", "lot": "L1"}
    tasks.ask(db, "recall 1", [tasks.AskedTask(key, "recall", "L1", fact)], now)
    heard = len(corp.inbox())
    (late,) = cli("care", "send", "--yes", "--json").json["items"]
    assert (late["userid"], late["status"], len(corp.inbox())) == (one, "sent", heard + 1)
    # told, and then passed on: who has it now is told as well, once
    with db.atomic() as connection:
        connection.execute("UPDATE care_task SET userid = ? WHERE id = ?", (two, late["tasks"][0]))
    (moved,) = cli("care", "send", "--yes", "--json").json["items"]
    assert (moved["userid"], moved["tasks"]) == (two, late["tasks"])
    assert cli("care", "send", "--yes", "--json").json["items"] == []


def test_what_ended_while_a_message_waited_is_not_in_it(
    cli: Any, corp: Corp, tmp_path: Path
) -> None:
    db, now = corp.app.data, corp.app.clock.now()
    corp.buy(cli, tmp_path, "Phone")
    corp.plan()
    open_ = tasks.list_tasks(db, now)
    one, two, *_more = sorted({row["userid"] for row in open_})
    for userid in (one, two):
        name, receivers = targets.own_name("guide", userid), {"touser": userid}
        targets.save(db, name, "app", now, receivers=receivers, quiet="00:00-23:59")
    ones = [row for row in open_ if row["userid"] == one]
    cli("care", "send", "--yes")
    assert not {one, two} & {row["to"] for row in corp.inbox()}
    assert cli("care", "done", str(ones[0]["id"])).code == 0
    for row in open_:
        if row["userid"] == two:
            assert cli("care", "skip", str(row["id"]), "--reason", "x").code == 0
    corp.day_after()
    outbox.deliver(corp.app)  # as `notify deliver` does at night, before anybody plans the day
    (told,) = (row for row in corp.inbox() if row["to"] == one)
    assert len(numbers(told["body"])) == len(ones) - 1
    assert two not in {row["to"] for row in corp.inbox()}
    log = {each["id"]: each for each in cli("notify", "log", "--json").json["items"]}
    over = [each for each in log.values() if each["to"] == targets.own_name("guide", two)]
    assert [each["status"] for each in over] == ["cancelled"]
    # what is told anew today is not told by yesterday's words as well
    corp.plan()
    assert cli("care", "send", "--yes").code == 0
    corp.day_after()
    before = len(corp.inbox())
    corp.plan()
    assert cli("care", "send", "--yes").code == 0
    outbox.deliver(corp.app)
    assert [row["to"] for row in corp.inbox()[before:]].count(one) <= 1


def test_words_that_cannot_be_made_anew_hold_no_message_up(
    cli: Any, corp: Corp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A composer may be a third party's; whatever else waits for the guide goes out as well."""
    db, now = corp.app.data, corp.app.clock.now()
    corp.buy(cli, tmp_path, "Phone")
    corp.plan()
    one = tasks.list_tasks(db, now)[0]["userid"]
    name, receivers = targets.own_name("guide", one), {"touser": one}
    targets.save(db, name, "app", now, receivers=receivers, quiet="00:00-23:59")
    cli("care", "send", "--yes")
    monkeypatch.setattr(sending, "worded", lambda *_: 1 // 0)
    corp.day_after()
    outbox.deliver(corp.app)
    assert one in {row["to"] for row in corp.inbox()}


def test_of_two_rounds_at_once_the_slower_says_what_became_of_the_message(
    cli: Any, corp: Corp, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    db = corp.app.data
    corp.buy(cli, tmp_path, "Phone")
    corp.plan()
    one = min(row["userid"] for row in tasks.list_tasks(db, corp.app.clock.now()))
    corp.control.fault("errcode", "message/send", errcode=81013, match=one, first=1)
    assert cli("care", "send", "--yes").code == 6
    stale = sending.due(db, corp.app.clock.now())  # the other round has looked, too
    assert [(each.userid, each.again) for each in stale] == [(one, True)]
    assert cli("care", "send", "--yes").code == 0
    monkeypatch.setattr(sending, "due", lambda _db, _now: stale)
    answer = cli("care", "send", "--yes", "--json")
    assert (answer.code, [each["status"] for each in answer.json["items"]]) == (0, ["sent"])
    assert "cannot tell" not in answer.err
    assert [row["to"] for row in corp.inbox()].count(one) == 1
