"""Twenty nicknames that hurt, worn by everything that has a name, through every reading command.

Formats, error messages and languages through a pipe; tables and errors on a real terminal too.
"""

from __future__ import annotations

import csv
import io
import json
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from storeops import paths
from storeops.app import App
from tests.commands.test_terminal import ESCAPE, at_terminal
from tests.conftest import Answer, Cli

NAMES: list[str] = [
    each["name"]
    for each in json.loads((paths.fixtures_dir() / "nicknames.json").read_text(encoding="utf-8"))
]
ORDERING = set(range(0x202A, 0x202F)) | set(range(0x2066, 0x206A)) | {0x200E, 0x200F, 0x061C}
READS: tuple[tuple[str, ...], ...] = (
    ("customer", "list", "--all"),
    ("customer", "search", "a", "--all"),
    ("staff", "list", "--all"),
    ("store", "list", "--all"),
    ("tag", "list", "--all"),
    ("group", "list", "--all"),
    ("unassigned", "list", "--all"),
    ("stats", "store"),
    ("stats", "owner"),
    ("stats", "tag"),
    ("stats", "state"),
    ("view", "list"),
    ("mark", "list"),
    ("mark", "show", "hurt"),
    ("sync", "history"),
    ("sync", "status"),
    ("status",),
)


def breaks_out(text: str) -> list[str]:
    """Characters that steer a terminal or turn its text around."""
    return sorted(
        {
            ascii(each)
            for each in text
            if (unicodedata.category(each) in ("Cc", "Cs", "Zl", "Zp") and each != "\n")
            or ord(each) in ORDERING
        }
    )


@pytest.fixture
def hurt(home: Path, synced: Any, cli: Cli) -> Cli:
    """A synced chain in which customers, remarks, staff, shops, tags and groups hurt."""
    who = ",".join(
        each["external_userid"]
        for each in cli("customer", "list", "-n", "20", "--json").json["items"]
    )
    assert cli("mark", "add", "hurt", "--where", f"id:{who}").code == 0
    app = App.open()
    with app.data.atomic():
        for table, columns in {
            "customer": ("name", "corp_name", "position"),
            "follow": ("remark", "description", "state"),
            "staff": ("name",),
            "department": ("name",),
            "tag": ("name",),
            "tag_group": ("name",),
            "group_chat": ("name", "notice"),
        }.items():
            keys = [row[0] for row in app.data.execute(f"SELECT id FROM {table} ORDER BY id")]
            for column in columns:
                app.data.executemany(
                    f"UPDATE {table} SET {column} = ? WHERE id = ?",
                    [(NAMES[at % len(NAMES)], key) for at, key in enumerate(keys)],
                )
    app.close()
    for at, name in enumerate(NAMES):
        cli("view", "save", f"view {at} {name}", "--where", f"status:active !{json.dumps(name)}")
    return cli


def ids(answer: Answer, key: str) -> list[Any]:
    return [each[key] for each in answer.json["items"]]


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_every_reading_command_in_every_format(hurt: Cli, language: str) -> None:
    shows: list[tuple[str, ...]] = []
    for noun, key in (
        ("customer", "external_userid"),
        ("staff", "userid"),
        ("tag", "tag_id"),
        ("group", "chat_id"),
    ):
        keys = ids(hurt(noun, "list", "--all", "--json"), key)[:20]
        assert keys
        shows += [(noun, "show", each) for each in keys[:: 4 if noun != "customer" else 1]]
    shows += [("customer", "timeline", shows[0][2])]
    shows += [
        ("store", "show", str(each))
        for each in ids(hurt("store", "list", "--json"), "department_id")[:3]
    ]
    for words in (*READS, *shows):
        for extra in ((), ("--json",), ("--ndjson",), ("--csv",)):
            if extra in (("--csv",), ("--ndjson",)) and words[1:2] == ("show",):
                continue
            answer = hurt("--lang", language, *words, *extra)
            where = (words, extra)
            assert answer.code in (0, 2), (where, answer.err)
            assert answer.code == 0 or extra == ("--csv",), (where, answer.err)
            out = answer.out
            if extra == ("--csv",):  # a tab inside a cell is data there
                out = out.replace("\r\n", "\n").replace("\t", " ")
            assert not breaks_out(out), where
            assert not breaks_out(answer.err), where
            if extra == ("--json",):
                assert answer.json, where
            elif extra == ("--ndjson",):
                assert all(json.loads(line) is not None for line in answer.out.splitlines()), where
            elif extra == ("--csv",):
                for row in csv.reader(io.StringIO(answer.out)):
                    for cell in row:
                        text = cell.lstrip()
                        assert not text.startswith(("=", "+", "@")), (where, cell)
                        assert not text.startswith("-") or text[1:].isdigit(), (where, cell)


def test_json_gives_every_name_back_unharmed(hurt: Cli) -> None:
    found = hurt("customer", "list", "--all", "--json").json["items"]
    assert set(NAMES) <= {each["name"] for each in found}
    lines = hurt("customer", "list", "--all", "--ndjson").out.splitlines()
    assert [json.loads(line) for line in lines][: len(found)] == found


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_error_messages_quote_harmlessly(hurt: Cli, language: str) -> None:
    for at, name in enumerate(NAMES):
        commands = (
            ("customer", "show", "--", f"{name}?!"),
            ("staff", "show", "--", f"{name}?!"),
            ("store", "show", "--", f"{name}?!"),
            ("tag", "show", "--", f"{name}?!"),
            ("group", "show", "--", f"{name}?!"),
            ("view", "show", "--", f"{name}?!"),
            ("mark", "show", "--", f"{name}?!"),
            ("customer", "list", f"--owner={name}?!"),
            ("customer", "list", f"--store={name}?!"),
            ("customer", "list", f"--tag={name}?!"),
            ("customer", "list", f"--where=has:{json.dumps(name)}"),
            ("customer", "list", f"--sort={name}"),
            ("profile", "show", "--", f"{name}?!"),
            ("config", "get", "--", f"{name}?!"),
            (f"{name}?!",),
        )
        for words in commands if at % 5 == 0 else commands[at % 3 :: 3]:
            for extra in ((), ("--json",)) if at % 4 == 0 else ((),):
                answer = hurt("--lang", language, *extra, *words)
                assert answer.code in (2, 5), (words, answer.code, answer.err)
                assert not breaks_out(answer.err), (words, ascii(answer.err))
                assert not breaks_out(answer.out), words
                if extra:
                    assert answer.error["message"], words


@pytest.mark.parametrize("language", ["en", "zh_CN"])
def test_a_terminal_gets_no_strangers_escapes(hurt: Cli, home: Path, language: str) -> None:
    for words in (
        ["customer", "list", "--all"],
        ["staff", "list", "--all"],
        ["stats", "tag"],
        ["customer", "show", "--", f"{NAMES[0]}{NAMES[1]}{NAMES[12]}"],
    ):
        _code, seen = at_terminal(words, home, STOREOPS_LANG=language)
        ours = set(ESCAPE.findall(seen))
        assert ours <= {"\x1b[1m", "\x1b[0m", "\x1b[22m"}, (words, ours)
        text = ESCAPE.sub("", seen).replace("\r\n", "\n")
        assert not breaks_out(text), (words, breaks_out(text))
