"""Retention takes out what is finished and old; what is left is proven, what is open stays."""

from __future__ import annotations

from typing import Any

import pytest

DAY = 86400


def plan_tag(cli: Any, desk: Any, number: int = 0, apply: bool = True) -> str:
    tags = desk.app.data.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL ORDER BY tag_id")
    tag = tags.fetchall()[number][0]
    made = cli(
        "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json"
    )
    assert made.code == 0, made.err
    name = str(made.json["plan_id"])
    if apply:
        assert cli("plan", "apply", name, "--yes", "--wait", "5m").code == 0
    return name


def later(desk: Any, days: int) -> None:
    """WeCom's clock moves; the next command reads it from run.db."""
    from storeops.limits import offset

    desk.sandbox.control.advance(days * DAY)
    offset.save(desk.app.run, offset.load(desk.app.run) + days * DAY)


def plans(cli: Any) -> list[str]:
    return [each["plan_id"] for each in cli("plan", "list", "--json", "--all").json["items"]]


def test_what_is_finished_and_old_goes_and_the_rest_is_proven(cli: Any, desk: Any) -> None:
    old = plan_tag(cli, desk)
    undo = cli("plan", "undo", old, "--json").json["plan_id"]
    assert cli("plan", "apply", undo, "--yes", "--wait", "5m").code == 0
    later(desk, 200)
    new = plan_tag(cli, desk)
    before = cli("audit", "verify", "--json").json
    look = cli("db", "prune", "--dry-run", "--json").json
    assert (look["plans"], look["dry_run"]) == (2, True)
    assert look["lines"] == look["last"] > 0
    assert set(plans(cli)) == {old, undo, new}
    assert cli("db", "prune", "--json").code == 2, "nobody was asked"
    done = cli("db", "prune", "--yes", "--json")
    assert done.code == 0, done.err
    assert {**done.json, "dry_run": True, "before": 0} == {**look, "before": 0}
    assert plans(cli) == [new]
    proof = cli("audit", "verify", "--json")
    assert proof.code == 0, proof.err
    assert proof.json["lines"] == before["lines"] - look["lines"] + 1
    assert f"up to {look['last']}" in cli("audit", "verify").out
    # the chain goes on, also over a second time
    later(desk, 200)
    plan_tag(cli, desk, 1)
    assert cli("db", "prune", "--yes", "--json").json["plans"] == 1
    assert cli("audit", "verify").code == 0
    assert cli("db", "prune", "--yes", "--json").json["lines"] == 0


def test_a_line_that_is_cut_after_pruning_is_still_found(cli: Any, desk: Any) -> None:
    plan_tag(cli, desk)
    later(desk, 200)
    plan_tag(cli, desk, 1)
    last = cli("db", "prune", "--yes", "--json").json["last"]
    desk.app.data.execute("DELETE FROM journal WHERE seq = ?", (last + 1,))
    proof = cli("audit", "verify")
    assert proof.code != 0
    assert str(last + 1) in proof.out + proof.err


@pytest.mark.parametrize("why", ["young", "held", "undo"])
def test_what_is_not_finished_or_belongs_to_what_stays_is_kept(
    cli: Any, desk: Any, why: str
) -> None:
    from storeops.changes import apply

    name = plan_tag(cli, desk, apply=why == "undo")
    if why == "held":
        apply.apply(desk.app.ledger, name)
        assert cli("plan", "pause", name).code == 0
    later(desk, 10 if why == "young" else 200)
    if why == "undo":
        undo = cli("plan", "undo", name, "--json").json["plan_id"]
        assert cli("plan", "apply", undo, "--yes", "--wait", "5m").code == 0
    found = cli("db", "prune", "--yes", "--json").json
    assert (found["plans"], found["lines"]) == (0, 0)
    assert name in plans(cli)
    assert cli("audit", "verify").code == 0


def test_nothing_young_can_be_asked_for(cli: Any, desk: Any) -> None:
    for age in ("89d", "0s", "never"):
        assert cli("db", "prune", "--older-than", age, "--yes").code == 2
