"""The shapes that scripts rely on: fields, exit codes, the same figures in every format."""

from __future__ import annotations

import csv
import io
import json

from storeops.changes import plans

DAY = 86_400
LEAVER = {"userid", "name", "left_at", "days_left", "customers", "group_chats", "settled"}
RESULT = {"handover_userid", "takeover_userid", "due_at", "settled_at", "status", "errcode"}
FORMATS = ("--json", "--ndjson", "--csv")


def _items(cli, *words):
    """The items of a list, which must be the same in all three formats."""
    found = [cli(*words, form).out for form in FORMATS]
    items = json.loads(found[0])["items"]
    lines = [json.loads(line) for line in found[1].splitlines()]
    rows = list(csv.DictReader(io.StringIO(found[2])))
    for each, line, row in zip(items, lines, rows, strict=True):
        if "due_in_s" in each:  # the clock went on between the three
            assert 0 <= each["due_in_s"] - line["due_in_s"] <= 60
            assert 0 <= line["due_in_s"] - int(row["due_in_s"]) <= 60
            line["due_in_s"], row["due_in_s"] = each["due_in_s"], str(each["due_in_s"])
    assert lines == items
    assert [list(row) for row in rows] == [list(item) for item in items]
    flat = [["" if v is None else str(v).lower() for v in item.values()] for item in items]
    assert [[value.lower() for value in row.values()] for row in rows] == flat
    return items


def test_lists_of_leavers_answers_reports_and_quota(corp, cli):
    leaver, from_owner = corp.leavers()[0]["userid"], corp.staff()[0]["userid"]
    to_owners = [m["userid"] for m in corp.staff()[1:3]]
    found = _items(cli, "leaver", "list")
    assert set(found[0]) >= LEAVER
    moments = [each["left_at"] for each in found]
    assert moments == sorted(moments), "who has least time left comes first"
    words = ["handover", "plan", "--from", leaver, "--from", from_owner, "--no-groups"]
    made = cli(*words, "--to", to_owners[0], "--to", to_owners[1], "--json").json
    assert {each["takeover_userid"] for each in made["takers"]} == set(to_owners)
    again = plans.get(corp.app.data, made["plan_id"]).params["command"]
    assert "--no-groups" in again, "planned anew, it hands no group chat over either"
    assert made["rows"] == made["ready"] + made["blocked"] > 10
    assert cli("plan", "apply", made["plan_id"], "--yes", "--json").code == 0
    waiting = _items(cli, "handover", "status")
    assert sum(each["rows"] for each in waiting) == made["ready"]
    assert [each["due_at"] for each in waiting] == sorted(each["due_at"] for each in waiting)
    corp.advance(DAY)
    told = cli("handover", "watch", "--once", "--json").json
    assert told["settled"] == {"done": made["ready"]}
    assert (told["waiting"], told["next_at"]) == (0, None)
    asked = {(each["handover_userid"], each["takeover_userid"]) for each in told["asked"]}
    assert asked == {(each["handover_userid"], each["takeover_userid"]) for each in waiting}
    results = cli("plan", "results", made["plan_id"], "--json").json["items"]
    assert all(set(each) >= RESULT for each in results)
    done = [each for each in results if each["status"] == "done"]
    assert len(done) == made["ready"]
    assert all(each["settled_at"][:10] >= each["due_at"][:10] for each in done)
    for by in ("taker", "owner", "store", "plan", "outcome"):
        report = _items(cli, "handover", "report", "--by", by)
        assert sum(each["done"] for each in report) == made["ready"]
        assert sum(each["rows"] for each in report) == made["ready"]
    quota = _items(cli, "handover", "quota")
    assert {each["external_userid"] for each in quota} == {
        each["external_userid"] for each in done if each["handover_userid"] == from_owner
    }
    restored = cli("handover", "restore", made["plan_id"], "--json").json
    assert restored["same"] + restored["unknown"] + restored["tags"] >= made["ready"] - 1
    back = cli("handover", "back-plan", made["plan_id"], "--json").json
    assert back["rows"] == made["ready"]
    assert back["blocked_by"] == {"taker_left": len(done) - len(quota)}
    assert [each["code"] for each in back["problems"] if each["code"] == "way_back"]


def test_watching_for_a_while_says_that_something_waits(corp, cli):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    corp.hand_over(from_owner, to=to_owner, groups=False)
    answer = cli("handover", "watch", "--for", "1s", "--json")
    assert answer.code == 69
    assert answer.error["next_steps"] == ["storeops handover watch"]
    wrong = cli("handover", "watch", "--once", "--until-settled", "--json")
    assert (wrong.code, wrong.error["category"]) == (2, "usage")
    assert cli("handover", "watch", "--json").json["waiting"] > 5


def test_only_marked_customers_are_planned(corp, cli):
    from_owner, to_owner = (m["userid"] for m in corp.staff()[:2])
    chosen = sorted(corp.customers(from_owner, without=to_owner)[:3])
    ids = [word for each in chosen for word in ("--id", each)]
    assert cli("mark", "add", "spring", *ids, "--json").code == 0
    made = cli(
        "handover", "plan", "--from", from_owner, "--to", to_owner, "--marked", "spring", "--json"
    ).json
    assert made["rows"] == 3
    rows = cli("plan", "results", made["plan_id"], "--json").json["items"]
    assert sorted(each["external_userid"] for each in rows) == chosen
    assert {each["takeover_userid"] for each in rows} == {to_owner}
