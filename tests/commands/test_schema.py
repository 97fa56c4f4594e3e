"""`storeops schema` is true: what it says of arguments and answers is what commands take and give.

`STOREOPS_ANSWERS=write pytest tests/commands/test_schema.py` adds to commands/answers.json what
answers have and it has not.
"""

from __future__ import annotations

import json
import os
from typing import Any

import pytest

from commands import schema, tree
from storeops.domain import registry
from tests.commands import answer_shapes
from tests.conftest import Cli

WRITE = os.environ.get("STOREOPS_ANSWERS") == "write"


@pytest.fixture
def session(cli: Cli, shop: Any, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The shapes of what commands answer, by their words, over a life of a profile."""
    monkeypatch.delenv("STOREOPS_ANSWERS", raising=False)
    found: dict[str, Any] = {}
    known = {path for path, _command, _context in schema.leaves()}

    def ask(*words: str) -> Any:
        answer = cli(*words, "--json")
        assert answer.code in (0, 6, 69), (words, answer.err)
        value = answer.json
        path = next(
            " ".join(words[:length]) for length in (3, 2, 1) if " ".join(words[:length]) in known
        )
        listed = isinstance(value, dict) and {"items", "next", "has_more"} <= set(value)
        shape = answer_shapes.of(value["items"] if listed else value)
        if listed:
            shape = shape[0] if shape else {}
        kind = "list" if listed else "one"
        entry = found.setdefault(path, {"kind": kind, "row": shape})
        entry["row"] = answer_shapes.merged(entry["row"], shape)
        return value

    ask("sync", "run")
    for line in (
        "customer list", "staff list", "store list", "tag list", "group list", "unassigned list",
        "leaver list", "sync history", "sync status", "sync verify", "status", "profile list",
        "profile show", "config list", "db path", "db check", "plugin list", "exit-codes",
        "version", "doctor", "events list", "events status",
        "sandbox fault kinds", "sandbox settings list", "handover quota",
    ):  # fmt: skip
        ask(*line.split())
    for by in ("store", "owner", "tag", "way", "status", "state", "month"):
        ask("stats", "--by", by)
    customer = ask("customer", "list", "--where", "status:active has:phone")["items"][0]
    who, owner = customer["external_userid"], customer["follows"][0]["userid"]
    chat = ask("group", "list")["items"][0]["chat_id"]
    tag = ask("tag", "list")["items"][0]["tag_id"]
    ask("customer", "note", who, "likes red")
    ask("view", "save", "v", "--where", "has:phone")
    ask("mark", "add", "m", "--where", "has:phone")
    for line in (
        "view list", "view show v", "mark list", "mark show m", f"customer show {who}",
        f"staff show {owner}", f"tag show {tag}", f"group show {chat}", f"group members {chat}",
        "customer search a", f"store show {ask('store', 'list')['items'][0]['department_id']}",
    ):  # fmt: skip
        ask(*line.split())
    choice = ("--where", "status:active", "--follows", "all")
    plan = ask("tag", "plan", "--add", tag, *choice)["plan_id"]
    ask("plan", "show", plan)
    ask("plan", "apply", plan, "--yes")
    for line in (
        "plan list", f"plan show {plan}", f"plan results {plan}", "job list", "job show 1",
        "job logs 1", "audit list", "audit show 1", "audit verify", f"customer timeline {who}",
    ):  # fmt: skip
        ask(*line.split())
    ask("plan", "undo", plan)
    ask("plan", "cancel", "last")
    remark = ask("remark", "plan", "--remark", "x", *choice)["plan_id"]
    ask("plan", "remove", remark, "--rows", "1")
    ask("plan", "apply", remark, "--yes", "--wait", "0s")
    ask("plan", "pause", remark)
    ask("plan", "resume", remark)
    ask("job", "run")
    from_owners = [each["userid"] for each in ask("staff", "list")["items"] if each["follows"]]
    ask("handover", "plan", "--from", from_owners[0], "--to", from_owners[1])
    ask("plan", "apply", "last", "--yes")
    for line in ("handover status", "handover report", "handover watch", "handover quota"):
        ask(*line.split())
    way = ask("contact-way", "list")["items"][0]["config_id"]
    ask("contact-way", "show", way)
    ask("contact-way", "plan", "add", "--user", from_owners[1], "--state", "s")
    ask("mark", "clear", "m")
    ask("view", "delete", "v")
    return found


def test_answers_have_the_fields_that_the_schema_says(session: dict[str, Any]) -> None:
    known = json.loads(schema.ANSWERS.read_text("utf-8")) if schema.ANSWERS.exists() else {}
    if WRITE:
        for path, entry in session.items():
            row = known[path]["row"] if path in known else entry["row"]
            known[path] = {"kind": entry["kind"], "row": answer_shapes.merged(row, entry["row"])}
        text = json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False)
        schema.ANSWERS.write_text(text + "\n", "utf-8")
        return
    assert len(session) > 45
    wrong = [
        f"{path}{line}"
        for path, entry in session.items()
        for line in (
            answer_shapes.lacking(schema.answers()[path]["row"], entry["row"])
            if path in known and known[path]["kind"] == entry["kind"]
            else [" is not in commands/answers.json"]
        )
    ]
    assert not wrong, "run this test with STOREOPS_ANSWERS=write:\n" + "\n".join(wrong)


def test_every_command_is_described(cli: Cli) -> None:
    rows = cli("schema", "--json").json["items"]
    paths = [path for path, _command, _context in schema.leaves()]
    assert [each["command"] for each in rows] == [f"storeops {path}" for path in paths]
    assert len(paths) > 90
    for each in rows:
        assert each["description"], each["command"]
        assert each["input"]["type"] == "object"
        assert "0" in each["exit_codes"]
        for name, one in each["input"]["properties"].items():
            assert one["description"], (each["command"], name)
            assert ("x-argument" in one) != ("x-options" in one)
    sends = {each["command"] for each in rows if each["effect"] == "sends"}
    assert {"storeops plan apply", "storeops job run"} <= sends
    assert not {each for each in sends if each.endswith((" list", " show", " plan"))}


def test_schemas_are_json_schema(cli: Cli) -> None:
    jsonschema = pytest.importorskip("jsonschema")
    for each in cli("schema", "--json").json["items"]:
        for part in ("input", "output", "error"):
            if each[part]:
                jsonschema.Draft202012Validator.check_schema(each[part])
    one = cli("schema", "customer", "list").json
    assert one["command"] == "storeops customer list"
    assert one["input"]["properties"]["limit"]["minimum"] == 1
    assert one["input"]["properties"]["owner"]["type"] == "array"
    assert "--json" in one["global_options"]
    assert one["output"]["properties"]["items"]["items"]["properties"]["external_userid"]
    jsonschema.validate(
        cli("exit-codes", "--json").json, cli("schema", "exit-codes").json["output"]
    )
    assert cli("schema", "plan", "apply").json["input"]["required"] == ["plan_id"]
    assert cli("schema", "customr").code == 2


def test_nouns_of_domains_are_in_it() -> None:
    nouns = {noun.name for _domain, noun in registry().named("nouns").values()}
    assert nouns <= {path.split()[0] for path, _command, _context in schema.leaves()}
    assert tree.root().name == "storeops"
