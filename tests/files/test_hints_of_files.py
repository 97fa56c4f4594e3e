"""What a command says about the headings of a file works when it is typed, under every verb."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.files.conftest import customer

VERBS = {
    "tag": ("tag", "plan", "--add", "{tag}"),
    "remark": ("remark", "plan", "--remark", "x"),
    "handover": ("handover", "plan", "--to", "{member}"),
}


@pytest.fixture
def facts(people: object) -> dict[str, str]:
    """A tag, a customer and two members."""
    return {
        "tag": "etGold", "customer": customer(1), "owner": "zhangsan", "member": "lisi",
    }  # fmt: skip


@pytest.mark.parametrize("heading", ["external_useridd", "external userid?"])
@pytest.mark.parametrize("verb", VERBS)
def test_a_heading_that_is_nearly_known(
    cli: Cli, facts: dict[str, str], tmp_path: Path, verb: str, heading: str
) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(f"{heading},owner\n{facts['customer']},{facts['owner']}\n", "utf-8")
    words = [each.format(**facts) for each in VERBS[verb]] + ["--file", str(sheet)]
    refused = cli(*words, "--json")
    assert refused.code == 2
    (options,) = re.findall(r"add (--.*)$", refused.error["hint"])
    typed = cli(*words, *shlex.split(options), "--column", "owner=userid", "--json")
    assert typed.json["rows"] >= 1, typed.err


@pytest.mark.parametrize("verb", VERBS)
def test_two_headings_that_mean_the_same(
    cli: Cli, facts: dict[str, str], tmp_path: Path, verb: str
) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(
        f"external_userid,userid,成员\n{facts['customer']},{facts['owner']},nobody\n", "utf-8"
    )
    words = [each.format(**facts) for each in VERBS[verb]] + ["--file", str(sheet)]
    refused = cli(*words, "--json")
    assert refused.code == 2, refused.out
    (option,) = re.findall(r"(--\w+ HEADING=\w+)", refused.error["hint"])
    typed = cli(*words, *shlex.split(option.replace("HEADING", "userid")), "--json")
    assert typed.json["rows"] >= 1, typed.err


def test_a_text_that_stands_in_the_file(cli: Cli, facts: dict[str, str], tmp_path: Path) -> None:
    sheet = tmp_path / "list.csv"
    sheet.write_text(f"external_userid,备注\n{facts['customer']},王姐\n", "utf-8")
    words = ("remark", "plan", "--file", str(sheet))
    refused = cli(*words, "--json")
    assert refused.code == 2
    (options,) = re.findall(r"add (--.*)$", refused.error["hint"])
    assert cli(*words, *shlex.split(options), "--follows", "all", "--json").json["rows"] >= 1
