"""Every reading command in Chinese: no English word of ours in its table, the same JSON as ever."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from storeops import terms
from tests.conftest import Cli

# words of the mirror that nobody shall meet in a Chinese table
STATUSES = {"active", "missing", "lost", "unassigned", "out_of_scope", "left", "dissolved"}
STATUSES |= {"normal", "full", "complete", "partial", "failed", "yes", "no", "True", "False"}
STATUSES |= {"None", "unknown", "null"}
STATUSES |= {
    code
    for of, kinds in terms.ALL.items()
    if of not in ("field", "source", "detail")
    for code in kinds
}
READS: tuple[tuple[str, ...], ...] = (
    ("customer", "list", "--all"),
    ("customer", "search", "a"),
    ("customer", "show", "{customer}"),
    ("customer", "timeline", "{customer}"),
    ("staff", "list", "--all"),
    ("staff", "show", "{userid}"),
    ("store", "list"),
    ("store", "show", "{store}"),
    ("tag", "list"),
    ("tag", "show", "{tag}"),
    ("group", "list"),
    ("group", "show", "{chat}"),
    ("group", "members", "{chat}"),
    ("unassigned", "list"),
    *(("stats", by) for by in ("store", "owner", "tag", "way", "status", "state", "month")),
    ("view", "list"),
    ("view", "show", "v"),
    ("mark", "list"),
    ("mark", "show", "m"),
    ("sync", "history"),
    ("sync", "status"),
    ("leaver", "list"),
    ("plan", "list"),
    ("job", "list"),
    ("job", "show", "1"),
    ("audit", "list"),
    ("plan", "show", "last"),
    ("plan", "results", "last"),
    ("handover", "status"),
    ("handover", "report"),
    ("config", "list"),
    ("profile", "list"),
    ("status",),
)
MOVES = {"bytes", "disk_free", "pid", "heartbeat_at", "age"}  # differ from call to call
SENTENCES = {
    "text",
    "before_text",
    "after_text",
    "why",
    "meaning",
    "next_step",
    "title",
}  # for people


@pytest.fixture
def words(cli: Cli, synced: Any) -> dict[str, str]:
    """A synced chain with a leaver, a view and a mark; names to put into the commands."""
    guide = next(
        each["userid"]
        for each in cli("staff", "list", "--json").json["items"]
        if each["follows"] and each["status"] == "active"
    )
    synced.control.act("staff_leave", userid=guide)
    assert cli("sync", "run", "-q").code == 0
    assert cli("view", "save", "v", "--where", "has:phone").code == 0
    assert cli("mark", "add", "m", "--where", "has:phone").code == 0

    def first(*command: str) -> dict[str, Any]:
        return dict(cli(*command, "--json").json["items"][0])

    to_owners = [
        each["userid"]
        for each in cli("staff", "list", "--json").json["items"]
        if each["follows"] and each["status"] == "active"
    ]
    words = (
        "handover",
        "plan",
        "--from",
        to_owners[0],
        "--to",
        to_owners[1],
        "--no-groups",
        "--lang",
        "zh_CN",
    )
    assert cli(*words, "--json").code == 0
    assert cli("plan", "apply", "last", "--yes", "-q").code == 0
    return {
        "customer": first("customer", "list", "--where", "status:active")["external_userid"],
        "userid": first("unassigned", "list")["handover_userid"],
        "store": str(first("store", "list")["department_id"]),
        "tag": first("tag", "list")["tag_id"],
        "chat": first("group", "list")["chat_id"],
    }


def still(value: Any) -> Any:
    """The answer without what moves while we look."""
    if isinstance(value, dict):
        kept = (key for key in value if key not in MOVES | SENTENCES)
        # seconds are counted from now: two readings may stand on either side of one
        return {key: still(value[key]) for key in kept if not key.endswith("_s")}
    return [still(each) for each in value] if isinstance(value, list) else value


def test_tables_speak_chinese_and_programs_hear_the_same(
    cli: Cli, words: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for read in READS:
        command = tuple(each.format(**words) for each in read)
        english = cli(*command, "--json")
        assert english.code == 0, (command, english.err)
        chinese = cli(*command, "--json", "--lang", "zh_CN")
        table = cli(*command, "--lang", "zh_CN")
        assert (chinese.code, table.code) == (0, 0), command
        assert any("\u4e00" <= sign <= "\u9fff" for sign in table.out + table.err), command
        cells = set(table.out.split())
        assert not cells & STATUSES, (command, cells & STATUSES)
        if command[0] not in ("stats", "view"):  # names of values are for people
            assert still(chinese.json) == still(english.json), command
        lines = cli(*command, "--ndjson", "--lang", "zh_CN").out.splitlines()
        assert all(isinstance(json.loads(line), dict) for line in lines), command
        rows = list(csv.reader(io.StringIO(cli(*command, "--csv", "--lang", "zh_CN").out)))
        assert len({len(row) for row in rows}) <= 1, command


def test_history_is_told_in_words_and_kept_in_ids(cli: Cli, synced: Any) -> None:
    """Tags, shops, statuses and sources by name in a table; WeCom's own values for programs."""
    follow = cli("customer", "list", "--where", "status:active has:tag", "--json").json["items"][0]
    who, owner = follow["external_userid"], follow["follows"][0]["userid"]
    tags = cli("tag", "list", "--json").json["items"]
    had = [each["tag_id"] for each in follow["follows"][0]["tags"]]
    new = next(each for each in tags if each["tag_id"] not in had)
    shops = {each["department_id"]: each for each in cli("store", "list", "--json").json["items"]}
    old = next(each["store_id"] for each in _members(cli) if each["userid"] == owner)
    other = next(key for key in shops if key != old)
    synced.control.act(
        "tag_mark", userid=owner, external_userid=who, add=[new["tag_id"]], remove=[]
    )
    synced.control.act("staff_move", userid=owner, department=other)
    synced.control.act("follow_delete", userid=owner, external_userid=_another(cli, owner, who))
    assert cli("sync", "run", "-q").code == 0

    entry = cli("customer", "timeline", who, "--json").json["items"][0]
    assert (entry["field"], entry["source"]) == ("tag", "sync")
    assert set(entry["after"]) - set(entry["before"]) == {new["tag_id"]}
    parts = cli("customer", "timeline", who, "--fields", "field,before,after")
    assert parts.code == 0
    assert new["tag_id"] in parts.out  # named fields are those of --json
    table = cli("customer", "timeline", who, "--lang", "zh_CN").out
    assert f"{new['group']}/{new['name']}" in table
    assert new["tag_id"] not in table
    assert "标签" in table
    assert "同步" in table

    move = cli("staff", "show", owner, "--json").json["history"][0]
    assert (move["field"], move["before"], move["after"]) == ("store", old, other)
    shown = cli("staff", "show", owner).out.splitlines()[-1]
    assert shops[old]["name"] in shown
    assert shops[other]["name"] in shown


def _members(cli: Cli) -> list[dict[str, Any]]:
    return list(cli("staff", "list", "--all", "--json").json["items"])


def _another(cli: Cli, owner: str, who: str) -> str:
    """Another customer of this member."""
    found = cli("customer", "list", "--owner", owner, "--json").json["items"]
    return next(str(each["external_userid"]) for each in found if each["external_userid"] != who)
