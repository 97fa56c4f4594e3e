"""A userid that WeCom changed keeps its person, follows and history."""

from __future__ import annotations

from typing import Any

import pytest

from storeops.changes import plans
from storeops.events import inbox, kinds, subjects
from storeops.events.message import Message
from storeops.mirror.members import find

NEW = "li.na.2026"


def told(chain: Any, old: str, new: str) -> None:
    """The event update_user arrives and is handled, through the readers and writers of events."""
    fields = {"UserID": old, "NewUserID": new}
    named = kinds.named(Message("change_contact", "update_user", 1, fields))
    assert named.subject is not None
    event = inbox.Event(
        1, 0.0, 1, "change_contact", "update_user", str(named.subject), named.userid, "",
        "received", "", None, 0, 0.0, None, 1,
    )  # fmt: skip
    work = inbox.Work(named.subject, (event,), "t")
    before = subjects.state(chain.app.data, work)
    found = subjects.read(chain.app.client, work)
    mirror = subjects.Mirror(chain.app.data, chain.app.clock.now())
    subjects.write(mirror, work, found, before)


def by_event(chain: Any, old: str) -> None:
    told(chain, old, NEW)


def by_sync(chain: Any, old: str) -> None:
    assert chain.sync() == ["complete"]


def by_sync_and_late_event(chain: Any, old: str) -> None:
    chain.sync(2)
    told(chain, old, NEW)


def by_event_twice(chain: Any, old: str) -> None:
    told(chain, old, NEW)
    told(chain, old, NEW)


WAYS = [by_event, by_sync, by_sync_and_late_event, by_event_twice]


@pytest.mark.parametrize("way", WAYS)
def test_person_follows_and_history_stay(cli: Any, chain: Any, way: Any) -> None:
    old = chain.staff()[1]
    person = find(chain.app.data, old)
    held = chain.held(old)
    cli("customer", "note", held[0], "likes tea")
    cli("view", "save", "hers", "--where", f"@{old}")
    cli("mark", "add", "hers", "--owner", old)
    chain.act("remark_edit", userid=old, external_userid=held[0], remark="before")
    chain.sync()
    history = cli("customer", "timeline", held[0], "--json").json["items"]
    chain.act("userid_change", userid=old, new_userid=NEW)
    way(chain, old)
    chain.sync(2)
    assert {e: s for (who, e), s in chain.mirror().items() if who == NEW} == dict.fromkeys(
        held, "active"
    )
    assert not any(who == old for who, _e in chain.mirror())
    assert find(chain.app.data, NEW).id == find(chain.app.data, old).id == person.id
    assert cli("leaver", "list", "--json").json["items"] == [
        each for each in cli("leaver", "list", "--json").json["items"] if each["userid"] != old
    ]
    assert cli("staff", "show", old, "--json").json["userid"] == NEW
    later = cli("customer", "timeline", held[0], "--json").json["items"]
    assert [each for each in later if each["field"] != "status"] == [
        {**each, "userid": NEW} if each["source"] == "sync" else each for each in history
    ]
    moves = [(each["before"], each["after"]) for each in later if each["field"] == "status"]
    assert moves in ([], [("unassigned", "active"), ("active", "unassigned")])
    assert {each["userid"] for each in later if each["source"] == "sync"} == {NEW}
    for words in (("--view", "hers"), ("--where", "mark:hers"), ("--owner", old)):
        rows = cli("customer", "list", *words, "--all", "--json").json["items"]
        assert {each["external_userid"] for each in rows} == set(held)
    changes = cli("staff", "show", NEW, "--json").json["history"]
    renamed = [each for each in changes if each["field"] == "userid"]
    assert [(each["before"], each["after"]) for each in renamed] == [(old, NEW)]
    assert chain.sync() == ["complete"]


@pytest.mark.parametrize("way", [by_event, by_sync])
def test_plans_and_jobs_go_to_the_new_id(cli: Any, chain: Any, way: Any) -> None:
    old = chain.staff()[1]
    held = chain.held(old)
    done = cli("remark", "plan", "--owner", old, "--description", "one", "--json").json
    assert cli("plan", "apply", done["plan_id"], "--yes").code == 0
    queued = cli("remark", "plan", "--owner", old, "--description", "two", "--json").json
    assert cli("plan", "apply", queued["plan_id"], "--yes", "--wait", "0s").code in (0, 69)
    made = cli("remark", "plan", "--owner", old, "--company", "three", "--json").json
    chain.act("userid_change", userid=old, new_userid=NEW)
    way(chain, old)
    assert cli("job", "run").code == 0
    assert cli("plan", "apply", made["plan_id"], "--yes").code == 0
    truth = {e["external_userid"]: e for e in chain.control.export("follows") if e["userid"] == NEW}
    assert {truth[each]["description"] for each in held} == {"two"}
    assert {truth[each]["remark_corp_name"] for each in held} == {"three"}
    undo = cli("plan", "undo", made["plan_id"], "--json").json
    assert undo["ready"] == len(held)
    assert cli("plan", "apply", undo["plan_id"], "--yes").code == 0
    assert "three" not in {
        e["remark_corp_name"] for e in chain.control.export("follows") if e["userid"] == NEW
    }
    assert cli("audit", "verify").code == 0
    for name in (done, queued, made, undo):
        plans.verify(chain.app.ledger, plans.get(chain.app.data, name["plan_id"]))


@pytest.mark.parametrize("side", ["giver", "taker"])
def test_a_running_handover_ends_under_the_new_id(cli: Any, chain: Any, side: str) -> None:
    to_owner, from_owner = chain.staff()[:2]
    plan = cli(
        "handover", "plan", "--from", from_owner, "--to", to_owner, "--no-groups", "--json"
    ).json
    assert cli("plan", "apply", plan["plan_id"], "--yes").code in (0, 6)
    old = from_owner if side == "giver" else to_owner
    chain.act("userid_change", userid=old, new_userid=NEW)
    told(chain, old, NEW)
    pairs = cli("handover", "status", "--json").json["items"]
    key = "handover_userid" if side == "giver" else "takeover_userid"
    assert {each[key] for each in pairs} == {NEW}
    chain.control.advance(25 * 3600)
    cli("handover", "watch", "--until-settled")
    rows = cli("plan", "results", plan["plan_id"], "--json").json["items"]
    assert rows
    assert not {each["status"] for each in rows} & {"waiting", "unknown", "queued"}
    assert "done" in {each["status"] for each in rows}


def test_what_only_looks_alike_is_not_taken_for_a_change(chain: Any) -> None:
    leaver, other = chain.staff()[1:3]
    chain.act("staff_leave", userid=leaver)
    chain.act("staff_join", userid="somebody.new", name=find(chain.app.data, leaver).name)
    chain.act("console_assign", userid=leaver, takeover_userid="somebody.new")
    chain.sync(3)
    assert find(chain.app.data, leaver).left
    assert find(chain.app.data, "somebody.new").id != find(chain.app.data, leaver).id
    assert not chain.app.data.execute("SELECT 1 FROM staff_former").fetchone()
    assert find(chain.app.data, other).userid == other


def test_a_former_id_that_somebody_new_gets_is_theirs(chain: Any) -> None:
    old = chain.staff()[1]
    chain.act("userid_change", userid=old, new_userid=NEW)
    told(chain, old, NEW)
    chain.act("staff_join", userid=old, name="New")
    chain.sync()
    assert find(chain.app.data, old).userid == old
    assert find(chain.app.data, NEW).userid == NEW
    assert not any(who == old for who, _e in chain.mirror())
