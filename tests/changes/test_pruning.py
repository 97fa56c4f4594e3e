"""Retention takes out what is finished and old; what is left is proven, what is open stays."""

from __future__ import annotations

from typing import Any

import pytest

from storeops.changes import pruning

DAY = 86400


def plan_tag(cli: Any, corp: Any, number: int = 0, apply: bool = True) -> str:
    tags = corp.app.data.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL ORDER BY tag_id")
    tag = tags.fetchall()[number][0]
    made = cli(
        "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json"
    )
    assert made.code == 0, made.err
    name = str(made.json["plan_id"])
    if apply:
        assert cli("plan", "apply", name, "--yes", "--wait", "5m").code == 0
    return name


def later(corp: Any, days: int) -> None:
    """WeCom's clock moves; the next command reads it from run.db."""
    from storeops.limits import offset

    corp.sandbox.control.advance(days * DAY)
    offset.save(corp.app.run, offset.load(corp.app.run) + days * DAY)


def plans(cli: Any) -> list[str]:
    return [each["plan_id"] for each in cli("plan", "list", "--json", "--all").json["items"]]


def test_what_is_finished_and_old_goes_and_the_rest_is_proven(cli: Any, corp: Any) -> None:
    old = plan_tag(cli, corp)
    undo = cli("plan", "undo", old, "--json").json["plan_id"]
    assert cli("plan", "apply", undo, "--yes", "--wait", "5m").code == 0
    later(corp, 200)
    new = plan_tag(cli, corp)
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
    later(corp, 200)
    plan_tag(cli, corp, 1)
    assert cli("db", "prune", "--yes", "--json").json["plans"] == 1
    assert cli("audit", "verify").code == 0
    assert cli("db", "prune", "--yes", "--json").json["lines"] == 0


def test_a_line_that_is_cut_after_pruning_is_still_found(cli: Any, corp: Any) -> None:
    plan_tag(cli, corp)
    later(corp, 200)
    plan_tag(cli, corp, 1)
    last = cli("db", "prune", "--yes", "--json").json["last"]
    corp.app.data.execute("DELETE FROM journal WHERE seq = ?", (last + 1,))
    proof = cli("audit", "verify")
    assert proof.code != 0
    assert str(last + 1) in proof.out + proof.err


@pytest.mark.parametrize("why", ["young", "held", "undo"])
def test_what_is_not_finished_or_belongs_to_what_stays_is_kept(
    cli: Any, corp: Any, why: str
) -> None:
    from storeops.changes import apply

    name = plan_tag(cli, corp, apply=why == "undo")
    if why == "held":
        apply.apply(corp.app.ledger, name)
        assert cli("plan", "pause", name).code == 0
    later(corp, 10 if why == "young" else 200)
    if why == "undo":
        undo = cli("plan", "undo", name, "--json").json["plan_id"]
        assert cli("plan", "apply", undo, "--yes", "--wait", "5m").code == 0
    found = cli("db", "prune", "--yes", "--json").json
    assert (found["plans"], found["lines"]) == (0, 0)
    assert name in plans(cli)
    assert cli("audit", "verify").code == 0


@pytest.mark.parametrize(("status", "goes"), [("asked", 0), ("refused", 1)])
def test_of_what_head_office_was_asked_the_refused_goes(
    cli: Any, corp: Any, status: str, goes: int
) -> None:
    plan_tag(cli, corp, apply=False)
    rows = {"asked": "asked", "refused": "blocked"}[status]
    with corp.app.data.atomic() as connection:
        connection.execute("UPDATE plan SET status = ?", (status,))
        connection.execute("UPDATE plan_row SET status = ?", (rows,))
    later(corp, 200)
    assert pruning.look(corp.app.ledger, None, 100 * DAY).plans == goes


def test_nothing_young_can_be_asked_for(cli: Any, corp: Any) -> None:
    for age in ("89d", "0s", "never"):
        assert cli("db", "prune", "--older-than", age, "--yes").code == 2


@pytest.mark.parametrize("wrong", ["changed", "removed", "row altered", "job altered"])
def test_what_is_wrong_does_not_go_with_what_shows_it(cli: Any, corp: Any, wrong: str) -> None:
    old = plan_tag(cli, corp)
    line = {
        "changed": "UPDATE journal SET who = 'nobody' WHERE seq = 2",
        "removed": "DELETE FROM journal WHERE seq = 2",
        "row altered": "UPDATE plan_row SET before = '{}' WHERE row = 1",
        "job altered": "UPDATE job SET status = 'failed' WHERE id = 1",
    }[wrong]
    corp.app.data.execute(line)
    later(corp, 200)
    plan_tag(cli, corp, 1)
    named = cli("audit", "verify", "--json").json["findings"][0]["message"]
    for words in (("--dry-run",), ("--yes",)):
        refused = cli("db", "prune", *words)
        assert refused.code == 9, refused.out
        assert named in refused.err
    assert old in plans(cli)
    assert cli("audit", "verify", "--json").json["findings"][0]["message"] == named


def test_what_was_noted_as_wrong_is_named_for_ever(cli: Any, corp: Any) -> None:
    plan_tag(cli, corp)
    seq, who = corp.app.data.execute(
        "SELECT seq, subject FROM journal WHERE kind = 'row.answer' LIMIT 1"
    ).fetchone()
    corp.app.data.execute("UPDATE journal SET payload = '{}' WHERE seq = ?", (seq,))
    assert cli("audit", "erase", who, "--yes").code == 0
    named = [each["message"] for each in cli("audit", "verify", "--json").json["findings"]]
    assert any(f"Line {seq} had been changed" in each for each in named)
    later(corp, 200)
    plan_tag(cli, corp, 1)
    gone = cli("db", "prune", "--yes", "--json")
    assert gone.json["last"] > seq, gone.err
    after = [each["message"] for each in cli("audit", "verify", "--json").json["findings"]]
    assert after == named
    later(corp, 200)
    plan_tag(cli, corp, 2)
    assert cli("db", "prune", "--yes", "--json").json["lines"]  # a second time as well
    after = [each["message"] for each in cli("audit", "verify", "--json").json["findings"]]
    assert after == named


def test_a_domain_holds_its_plans_back_and_takes_its_rows_out(
    cli: Any, corp: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from types import SimpleNamespace

    from storeops.changes import pruning

    class Retention:
        stays: set[int] = set()
        taken: list[int] = []

        def held(self, connection: Any, before: float) -> set[int]:
            return self.stays

        def prune(self, connection: Any, plans: list[int]) -> None:
            assert connection.in_transaction
            self.taken = list(plans)

    retention = Retention()
    real = pruning.registry().each("retention")
    assert real
    monkeypatch.setattr(
        pruning, "registry", lambda: SimpleNamespace(each=lambda kind: [*real, (None, "x:y")])
    )
    load = pruning.load
    monkeypatch.setattr(pruning, "load", lambda where: retention if where == "x:y" else load(where))
    first, second = plan_tag(cli, corp), plan_tag(cli, corp, 1)
    retention.stays = {2}
    later(corp, 200)
    assert cli("db", "prune", "--yes", "--json").json["plans"] == 1
    assert (plans(cli), retention.taken) == ([second], [1])
    assert first not in plans(cli)


def test_a_handover_stays_until_its_relations_were_restored(cli: Any, corp: Any) -> None:
    from_owner, to_owner = [
        row[0]
        for row in corp.app.data.execute(
            "SELECT s.userid FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
            " WHERE f.status = 'active' AND s.is_follow_user = 1 GROUP BY s.id"
            " ORDER BY count(*) DESC, s.id LIMIT 2"
        )
    ]
    made = cli(
        "handover", "plan", "--from", from_owner, "--to", to_owner, "--no-groups", "--json"
    ).json
    name = made["plan_id"]
    assert cli("plan", "apply", name, "--yes").code in (0, 6)
    later(corp, 2)
    assert cli("handover", "watch", "--until-settled").code in (0, 6)
    later(corp, 200)
    assert cli("db", "prune", "--yes", "--json").json["plans"] == 0
    corp.app.data.execute("UPDATE handover SET snapshot = NULL")
    assert cli("db", "prune", "--yes", "--json").json["plans"] == 1
    assert corp.app.data.execute("SELECT count(*) FROM handover").fetchone() == (0,)
    assert cli("audit", "verify").code == 0
