"""A leaver's customers end by two complete readings; who comes back or is hidden keeps theirs."""

from __future__ import annotations

import json
from typing import Any

import pytest


def statuses(chain: Any, userid: str) -> dict[str, str]:
    return {e: status for (who, e), status in chain.mirror().items() if who == userid}


def ready(cli: Any, userid: str, to_owner: str) -> int:
    answer = cli("leaver", "plan", userid, "--to", to_owner, "--no-groups", "--json")
    return int(json.loads(answer.out)["ready"]) if answer.out else 0


def test_assigned_in_the_console_before_the_next_sync(cli: Any, chain: Any) -> None:
    leaver, to_owner = chain.staff()[1], chain.staff()[0]
    held = set(chain.held(leaver)) - set(chain.held(to_owner))
    chain.act("staff_leave", userid=leaver)
    chain.act("console_assign", userid=leaver, takeover_userid=to_owner)
    assert held <= set(chain.held(to_owner))
    assert chain.sync() == ["complete"]
    assert ready(cli, leaver, to_owner) == 0
    chain.sync(2)
    after = statuses(chain, leaver)
    assert {after[each] for each in held} == {"handed_over"}
    assert "unassigned" not in after.values()
    assert "missing" not in after.values()
    assert ready(cli, leaver, to_owner) == 0
    before = chain.mirror()
    chain.sync()
    assert chain.mirror() == before
    assert cli("customer", "list", "--status", "handed_over", "--json", "--all").json["items"]


def test_who_was_never_listed_and_has_nobody_is_lost(chain: Any) -> None:
    leaver = chain.staff()[1]
    held = chain.held(leaver)
    chain.sync()
    for each in held:
        chain.act("follow_delete", userid=leaver, external_userid=each)
    chain.act("staff_leave", userid=leaver)
    chain.sync()
    assert set(statuses(chain, leaver).values()) == {"missing"}
    chain.sync()
    assert set(statuses(chain, leaver).values()) == {"lost"}


def test_what_is_listed_again_waits_again(chain: Any) -> None:
    leaver, to_owner = chain.staff()[1], chain.staff()[0]
    chain.act("staff_leave", userid=leaver)
    chain.sync()
    assert set(statuses(chain, leaver).values()) == {"unassigned"}
    fault = chain.control.fault("errcode", "externalcontact/get_unassigned_list", errcode=-1)
    for _time in range(3):  # no verdict without a complete reading
        assert chain.sync() == ["partial"]
    assert set(statuses(chain, leaver).values()) == {"unassigned"}
    chain.control.clear_faults(fault)
    chain.act("console_assign", userid=leaver, takeover_userid=to_owner, count=3)
    chain.sync(2)
    moved = [each for each, status in statuses(chain, leaver).items() if status == "handed_over"]
    assert moved
    chain.app.data.execute("UPDATE follow SET status = 'handed_over' WHERE status = 'unassigned'")
    chain.sync()
    assert list(statuses(chain, leaver).values()).count("handed_over") == len(moved)


@pytest.mark.parametrize("customers", [True, False])
def test_a_member_who_comes_back(chain: Any, customers: bool) -> None:
    leaver = chain.staff()[1]
    chain.act("staff_leave", userid=leaver)
    chain.sync(2)
    chain.act("staff_return", userid=leaver, customers=customers)
    chain.sync(3)
    assert set(statuses(chain, leaver).values()) == {"active" if customers else "unassigned"}
    before = chain.mirror(), chain.app.data.execute("SELECT max(id) FROM timeline").fetchone()
    chain.sync()
    assert before == (
        chain.mirror(), chain.app.data.execute("SELECT max(id) FROM timeline").fetchone()
    )  # fmt: skip


def test_who_comes_back_without_customer_contact_has_nobody_waiting(chain: Any) -> None:
    leaver = chain.staff()[1]
    chain.act("staff_leave", userid=leaver)
    chain.sync()
    chain.act("staff_return", userid=leaver)
    chain.act("contact_off", userid=leaver)
    chain.sync(3)
    assert set(statuses(chain, leaver).values()) == {"out_of_scope"}
    chain.act("contact_on", userid=leaver)
    chain.sync()
    assert set(statuses(chain, leaver).values()) == {"active"}


def test_who_comes_back_out_of_sight_has_lost_nobody(cli: Any, chain: Any) -> None:
    leaver = chain.staff()[1]
    chain.act("staff_leave", userid=leaver)
    chain.sync()
    chain.act("staff_return", userid=leaver)
    chain.act("scope_hide", userid=leaver)
    fault = chain.control.fault("errcode", "user/get", errcode=-1)
    assert chain.sync(3) == ["partial"] * 3  # nobody knows where the member is: no verdict
    assert set(statuses(chain, leaver).values()) == {"unassigned"}
    chain.control.clear_faults(fault)
    assert chain.sync(3) == ["complete"] * 3
    assert set(statuses(chain, leaver).values()) == {"out_of_scope"}
    assert leaver not in [each["userid"] for each in cli("leaver", "list", "--json").json["items"]]
    chain.act("scope_show", userid=leaver)
    chain.sync()
    assert set(statuses(chain, leaver).values()) == {"active"}


@pytest.mark.parametrize("out_of_sight", ["", "contact_off", "scope_hide"])
def test_customers_who_wait_for_a_member_who_is_there_again_are_reached(
    cli: Any, chain: Any, out_of_sight: str
) -> None:
    leaver, to_owner = chain.staff()[1], chain.staff()[0]
    chain.act("staff_leave", userid=leaver)
    chain.sync()
    chain.act("staff_return", userid=leaver, customers=False)
    if out_of_sight:
        chain.act(out_of_sight, userid=leaver)
    chain.sync(3)
    waiting = {e for e, status in statuses(chain, leaver).items() if status == "unassigned"}
    rows = cli("unassigned", "list", "--owner", leaver, "--json", "--all").json["items"]
    assert waiting == {each["external_userid"] for each in rows}
    (listed,) = [
        each for each in cli("leaver", "list", "--json").json["items"] if each["userid"] == leaver
    ]
    assert (listed["customers"], listed["returned"]) == (len(waiting), out_of_sight != "scope_hide")
    assert listed["left_at"]
    assert listed["days_left"] > 360
    assert cli("leaver", "show", leaver, "--json").json == listed
    for words in (
        ("leaver", "plan", leaver),
        ("handover", "plan", "--from", leaver, "--resigned"),
        ("handover", "plan", "--from", leaver),
    ):
        plan = cli(*words, "--to", to_owner, "--no-groups", "--json").json
        assert plan["rows"] == len(waiting)
        if listed["returned"]:  # WeCom takes them from members who have left only (doc 94081)
            assert plan["ready"] == 0
            assert {row["errcode"] for row in plan["problems"]} <= {40097}
    asked = cli(
        "leaver", "plan", leaver, "--to", to_owner, "--no-groups", "--recheck", "--json"
    ).json
    assert asked["ready"] > 0


def test_who_was_hidden_returns_with_what_is_left(chain: Any) -> None:
    hidden = chain.staff()[1]
    held = chain.held(hidden)
    chain.act("scope_hide", userid=hidden)
    chain.sync(3)
    assert set(statuses(chain, hidden).values()) == {"out_of_scope"}
    chain.act("follow_delete", userid=hidden, external_userid=held[0])
    chain.act("scope_show", userid=hidden)
    chain.sync(2)
    after = statuses(chain, hidden)
    assert after.pop(held[0]) == "lost"
    assert set(after.values()) == {"active"}


def test_an_owner_who_handed_over_by_plan_has_not_lost_anybody(cli: Any, chain: Any) -> None:
    from_owner, to_owner = chain.staff()[1], chain.staff()[0]
    mine = set(chain.held(from_owner)) - set(chain.held(to_owner))
    plan = cli(
        "handover", "plan", "--from", from_owner, "--to", to_owner, "--no-groups", "--json"
    ).json
    assert cli("plan", "apply", plan["plan_id"], "--yes").code in (0, 6)
    chain.control.advance(25 * 3600)
    cli("handover", "watch", "--until-settled")
    chain.sync(3)
    after = statuses(chain, from_owner)
    moved = mine & set(chain.held(to_owner))
    assert moved
    assert {after[each] for each in moved} == {"handed_over"}
