"""A day without callbacks: the nightly comparison finds what changed, and repairs it."""

from __future__ import annotations

from typing import Any

import pytest

from storeops import config, secrets
from storeops.app import App
from storeops.operations.events import open_receiver
from storeops.sandbox import local
from tests.events.calling_corp import CallingCorp
from tests.events.sealing import KEY, TOKEN, event, request

CHANGES = 40


@pytest.fixture
def shop(home: Any) -> Any:
    with local.start(stores=2, staff=6, follows=120, seed=5) as box:
        config.save_profile(
            config.Profile(
                "shop", box.corp_id, agent_id=box.agent_id, base_url=box.base_url, sandbox=True
            )
        )
        secrets.save("shop", box.secret)
        yield box


def test_without_a_first_sync_there_is_nothing_to_compare(cli: Any, shop: Any) -> None:
    answer = cli("events", "gaps")
    assert answer.code == 9
    assert "storeops sync run" in answer.err


def test_what_no_event_told_is_found_and_repaired(cli: Any, shop: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    follows = cli("customer", "list", "--where", "owners:1", "--limit", str(CHANGES), "--json").json
    expected = set()
    for number, row in enumerate(follows["items"]):
        who, owner = row["external_userid"], row["follows"][0]["userid"]
        act = ("remark_edit", "follow_delete")[number % 2]
        how = {"remark": f"r{number}"} if act == "remark_edit" else {}
        shop.control.act(act, userid=owner, external_userid=who, **how)
        expected.add((who, owner))
    new = shop.control.act("customer_new")
    found = cli("events", "gaps", "--all", "--json")
    assert found.code == 0, found.err
    named = {(each["external_userid"], each["userid"]) for each in found.json["items"]}
    assert expected <= named
    assert len(named) == found.json["untold"] == len(expected) + 1
    assert new["external_userid"] in {who for who, _member in named}
    assert (found.json["told"], found.json["reliability"], found.json["complete"]) == (0, 0.0, True)
    who = follows["items"][0]["external_userid"]
    shown = cli("customer", "show", who, "--json").json
    assert shown["follows"][0]["remark"] == "r0"
    # a member who deleted a customer is missing first and lost with the second complete reading
    again = cli("events", "gaps", "--all", "--json").json
    assert {tuple(each["fields"]) for each in again["items"]} <= {("status",)}
    assert cli("events", "gaps", "--json").json["untold"] == 0


def test_the_rest_of_a_list_is_of_the_same_comparison(cli: Any, shop: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    new = [shop.control.act("customer_new")["external_userid"] for _each in range(5)]
    first = cli("events", "gaps", "-n", "2", "--json").json
    assert (len(first["items"]), first["untold"], first["has_more"]) == (2, 5, True)
    rest = cli("events", "gaps", "--after", first["next"], "--json").json
    assert rest["run_id"] == first["run_id"]
    assert sorted(e["external_userid"] for e in first["items"] + rest["items"]) == sorted(new)
    assert (rest["untold"], rest["has_more"]) == (5, False)
    shop.control.act("customer_new")
    shop.control.act("customer_new")
    told = cli("events", "gaps", "-n", "1")
    assert "--all" not in told.err  # that would compare anew, and find nothing
    step = told.err.split("add ")[1].split()[:2]
    assert len(cli("events", "gaps", *(each.strip(".") for each in step), "--json").json["items"])
    assert cli("events", "gaps", "--after", "5").code == 2
    assert cli("events", "gaps", "--after", "999-0-5").code == 5
    assert "Nothing changed" in cli("events", "gaps").err


def told(box: Any, *, userid: str, external_userid: str) -> None:
    """A callback about a customer comes in; nobody has handled it yet."""
    secrets.save_callback("shop", TOKEN, KEY)
    app = App.open("shop")
    message = event(
        int(app.clock.now()), Event="change_external_contact",
        ChangeType="edit_external_contact", UserID=userid, ExternalUserID=external_userid,
    )  # fmt: skip
    open_receiver(app).receive(*request(message, corp=box.corp_id))
    app.close()


def test_what_comes_in_between_two_pages_changes_nothing_of_the_comparison(
    cli: Any, shop: Any
) -> None:
    """`events serve` runs on: an event about a customer of page one skipped a row of page two."""
    assert cli("sync", "run", "--quiet").code == 0
    new = [shop.control.act("customer_new")["external_userid"] for _each in range(4)]
    first = cli("events", "gaps", "-n", "2", "--json").json
    shop.control.advance(60)
    for row in (*first["items"], {"userid": "x", "external_userid": new[-1]}):
        told(shop, userid=row["userid"], external_userid=row["external_userid"])
    rest = cli("events", "gaps", "--after", first["next"], "--json").json
    assert sorted(e["external_userid"] for e in first["items"] + rest["items"]) == sorted(new)
    same = ("run_id", "since", "told", "untold", "waiting", "reliability")
    assert [rest[key] for key in same] == [first[key] for key in same]


def test_nothing_is_said_to_have_changed_only_when_all_was_compared(cli: Any, shop: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    (row,) = cli("customer", "list", "--where", "owners:1", "-n", "1", "--json").json["items"]
    who, owner = row["external_userid"], row["follows"][0]["userid"]
    shop.control.act("remark_edit", userid=owner, external_userid=who, remark="r")
    told(shop, userid=owner, external_userid=who)
    shop.control.fault("errcode", "externalcontact/get", errcode=-1)
    shop.control.advance(5)
    answer = cli("events", "gaps")
    assert "Nothing was found that no event had told." in answer.err
    assert "1 customer is left out" in answer.err
    assert "storeops events run" in answer.err


def test_the_rest_of_a_partial_comparison_ends_as_its_beginning(cli: Any, shop: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    for _each in range(3):
        shop.control.act("customer_new")
    shop.control.fault("errcode", "externalcontact/groupchat/list", errcode=-1)
    first = cli("events", "gaps", "-n", "1", "--json")
    assert (first.code, first.json["complete"], first.json["has_more"]) == (6, False, True)
    rest = cli("events", "gaps", "--after", first.json["next"], "--json")
    assert (rest.code, rest.json["complete"]) == (6, False)


def test_gaps_are_told_in_names_and_words(cli: Any, shop: Any) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    who = shop.control.act("customer_new")
    found = cli("events", "gaps", "--lang", "zh_CN")
    named = cli("customer", "show", who["external_userid"], "--json").json
    assert named["name"] in found.out
    assert " follow" not in found.out


def test_events_of_what_the_comparison_before_had_read_count_for_nothing(
    cli: Any, called: CallingCorp
) -> None:
    assert cli("sync", "run", "--quiet").code == 0
    called.control.call("DELETE", "callback")
    for number in range(3):
        called.control.act("remark_edit", remark=f"old {number}")
    called.control.call("POST", "clock", {"advance_s": 600})
    assert cli("sync", "run", "--quiet").code == 0
    called.app.look_at_clock()
    assert cli("sandbox", "callback", "set", called.server.url, "--replay").code == 0
    called.delivered()
    found = cli("events", "gaps", "--json").json
    assert (found["told"], found["untold"], found["reliability"]) == (0, 0, None)
    called.control.act("customer_new")
    called.delivered()
    called.control.call("POST", "clock", {"advance_s": 600})  # runs end in whole seconds
    found = cli("events", "gaps", "--json").json
    assert (found["told"], found["untold"], found["reliability"]) == (1, 0, 1.0)
