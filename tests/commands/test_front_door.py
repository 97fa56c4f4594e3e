"""Words before and after, suggestions, languages, exit codes: what every command shares."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from commands.main import nouns

STOREOPS = [sys.executable, "-m", "storeops"]


def process(*words: str, home: Path, **extra: Any) -> subprocess.CompletedProcess[str]:
    """A whole process, as a shell would start it."""
    environment = {
        "PATH": os.environ["PATH"],
        "STOREOPS_HOME": str(home),
        "STOREOPS_LANG": "en",
        **extra.pop("env", {}),
    }
    return subprocess.run(
        [*STOREOPS, *words], capture_output=True, text=True, env=environment, timeout=60, **extra
    )


def test_help_needs_no_home_and_makes_none(cli: Any, home: Path) -> None:
    answer = cli("--help")
    assert answer.code == 0
    for noun in nouns():
        assert f"  {noun} " in answer.out
    assert not home.exists()


def test_no_words_show_the_help(cli: Any) -> None:
    answer = cli()
    assert answer.code == 0
    assert "Usage: storeops" in answer.out + answer.err


def test_global_options_stand_before_or_after(cli: Any) -> None:
    before = cli("--json", "exit-codes")
    after = cli("exit-codes", "--json")
    assert before.code == after.code == 0
    assert before.out == after.out
    assert before.json["items"][0] == {"code": 0, "meaning": "done"}


@pytest.mark.parametrize(
    ("words", "message", "hint"),
    [
        (["verson"], "There is no command `storeops verson`.", "storeops version"),
        (
            ["profile", "lst"],
            "There is no command `storeops profile lst`.",
            "storeops profile list",
        ),
        (["version", "--jsn"], "There is no option --jsn.", "--json"),
        (["version", "more"], "There is one word too many: more.", "storeops version --help"),
        (["profile", "show", "--profile"], "--profile needs a value.", "--help"),
        (["profile", "use"], "NAME is missing.", "storeops profile use --help"),
        (["completion", "tcsh"], "tcsh", "storeops completion --help"),
        (["sync", "history", "--limit", "x"], "--limit: x is not a whole number.", "--help"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_words_get_one_sentence_and_a_way_out(
    cli: Any, words: list[str], message: str, hint: str
) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert answer.out == ""
    lines = answer.err.splitlines()
    assert lines[0].startswith("storeops: error: ")
    assert message in lines[0]
    assert hint in "\n".join(lines[1:])
    assert "Traceback" not in answer.err
    assert "Usage:" not in answer.err


def test_errors_are_one_json_object_with_json(cli: Any) -> None:
    answer = cli("verson", "--json")
    assert answer.code == 2
    assert answer.out == ""
    assert set(answer.error) == {
        "category",
        "errcode",
        "message",
        "hint",
        "next_steps",
        "retryable",
        "retry_after_s",
    }
    assert answer.error["category"] == "usage"
    assert answer.error["next_steps"] == ["storeops version"]


def test_words_are_translated(cli: Any) -> None:
    english = cli("verson")
    chinese = cli("--lang", "zh", "verson")
    assert english.code == chinese.code == 2
    assert "没有" in chinese.err
    assert "storeops version" in chinese.err


def test_language_order(home: Path, tmp_path: Path) -> None:
    def speaks(*words: str, **env: str) -> str:
        done = process(*words, "--help", home=home, env={"STOREOPS_LANG": "", **env})
        return "zh" if "用法" in done.stdout else "en"

    assert speaks(LANG="zh_CN.UTF-8") == "zh"
    assert speaks(LANG="en_US.UTF-8") == "en"
    assert process("config", "set", "language", "zh_CN", home=home).returncode == 0
    assert speaks(LANG="en_US.UTF-8") == "zh"
    assert speaks(LANG="zh_CN.UTF-8", STOREOPS_LANG="en") == "en"
    assert speaks("--lang", "zh", STOREOPS_LANG="en") == "zh"


def test_broken_pipe_is_quiet(home: Path) -> None:
    script = f"{sys.executable} -m storeops --help | head -1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"},
    )
    assert done.stderr == ""
    assert done.stdout.splitlines()[-1] == "0"


def test_closed_stdout_is_quiet(home: Path) -> None:
    script = f"{sys.executable} -m storeops exit-codes --ndjson >/dev/full"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"},
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == 3
    assert "full" in done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [("plan | true", 0), ("| true", 0), ("plan >/dev/full", 3), (">/dev/full", 3),
     ("nonsense 2>/dev/full", 2), ("plan show nobody 2>/dev/full", 3),
     ("version --nonsense >/dev/full 2>/dev/full", 2), ("sandbox list 2>/dev/full", 0)],
)  # fmt: skip
def test_a_stream_that_takes_nothing_decides_no_code(home: Path, words: str, code: int) -> None:
    script = f"{sys.executable} -m storeops {words}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script],
        capture_output=True,
        text=True,
        env={"PATH": os.environ["PATH"], "STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"},
    )
    assert "Traceback" not in done.stderr
    assert done.returncode == code


def test_a_bug_is_one_line_and_its_traceback_goes_to_the_log(
    cli: Any, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from storeops import config

    def fail(path: object = None) -> None:
        raise RuntimeError("https://x.test/cgi-bin/get?access_token=TOKEN phone 13812345678")

    monkeypatch.setattr(config, "load", fail)
    answer = cli("config", "list")
    assert answer.code == 1
    assert len(answer.err.splitlines()) == 2
    assert "RuntimeError" in answer.err
    log = home / "log" / "storeops.log"
    assert str(log) in answer.err
    text = log.read_text()
    assert "Traceback" in text
    assert "TOKEN" not in text
    assert "13812345678" not in text
    assert log.stat().st_mode & 0o077 == 0


def test_a_broken_config_is_explained_and_help_still_works(
    cli: Any, home: Path, monkeypatch: Any
) -> None:
    monkeypatch.delenv("STOREOPS_LANG")
    monkeypatch.setenv("LANG", "en_US.UTF-8")
    folder = home / "config"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text('langauge = "en"\n')
    answer = cli("profile", "list")
    assert answer.code == 3
    assert "langauge is not understood; expected language." in answer.err
    assert cli("--help").code == 0


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_script(cli: Any, shell: str) -> None:
    answer = cli("completion", shell)
    assert answer.code == 0
    assert "_STOREOPS_COMPLETE" in answer.out
    assert f"storeops completion {shell}" in answer.err


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("storeops pro", {"profile"}),
        ("storeops profile ", {"add", "list", "use", "show", "remove"}),
        ("storeops sync run --fu", {"--full"}),
        ("storeops --nd", {"--ndjson"}),
        ("storeops customer list --fields name,ext", {"name,external_userid"}),
        ("storeops sync run --scope tags,dep", {"tags,departments"}),
        ("storeops staff list -o w", {"wide"}),
    ],
)
def test_completion_completes(home: Path, line: str, expected: set[str]) -> None:
    words = line.split(" ")
    done = process(
        home=home,
        env={
            "_STOREOPS_COMPLETE": "complete_bash",
            "COMP_WORDS": line,
            "COMP_CWORD": str(len(words) - 1),
        },
    )
    assert expected <= set(done.stdout.split())
    assert not home.exists()


@pytest.mark.parametrize(
    "words", [("--lang", "xx", "profile", "list"), ("staff", "list", "--lang=fr")]
)
def test_a_language_that_is_not_spoken_is_refused(cli: Any, words: tuple[str, ...]) -> None:
    answer = cli(*words)
    assert answer.code == 2
    assert "en, zh_CN" in answer.err
    assert answer.out == ""
    assert cli("--lang", "zh-Hans", "exit-codes").out.splitlines()[0] != ""
