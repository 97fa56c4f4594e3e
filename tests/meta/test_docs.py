"""The documentation is true: generated pages are current, examples run, tables match the code."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from commands.exit_codes import MEANINGS
from commands.main import nouns
from storeops import i18n
from storeops.app import App
from storeops.domains.sandbox import demo as chain

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "README.zh-CN.md",
    ROOT / "AGENTS.md",
    *sorted((ROOT / "docs").rglob("*.md")),
]


def test_reference_is_current() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "docs" / "build.py"), "--check"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_modules_named_by_path_are_there() -> None:
    """In pages, comments and docstrings; a path may begin at any folder of its own."""
    folders = ("storeops", "commands", "tui", "tests", "benchmarks", "docs")
    below = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    modules = {f"/{path.relative_to(ROOT).as_posix()}" for path in below if path.suffix == ".py"}
    named = [
        (path, name)
        for path in (*below, *ROOT.glob("*.md"))
        if path.suffix in (".py", ".md") and path.name != "CHANGELOG.md"
        for name in re.findall(
            r"(?<![\w./{}<>])(?:[a-z_]+/)+[a-z_]+\.py\b", path.read_text("utf-8")
        )
    ]
    assert len(named) > 50
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, name in named
        if not any(module.endswith(f"/{name}") for module in modules)
    ]
    assert wrong == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text("utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), target


@pytest.mark.parametrize(
    ("page", "language"), [("README.md", "en"), ("README.zh-CN.md", "zh_CN")], ids=["en", "zh"]
)
def test_exit_codes_of_the_readme(page: str, language: str) -> None:
    i18n.use(language)
    rows = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / page).read_text("utf-8"), re.MULTILINE)
    assert rows == [(str(int(code)), i18n._(text)) for code, text in MEANINGS.items()]


def examples(page: Path) -> list[str]:
    """Command lines of the ```sh blocks of a page; ```console blocks are for people only."""
    blocks = re.findall(r"^```sh\n(.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    return [
        line.strip()
        for block in blocks
        for line in block.replace("\\\n", " ").splitlines()
        if line.strip().startswith("storeops ")
    ]


@pytest.fixture
def demo(cli: Any) -> Iterator[Any]:
    """The demo's sandbox and profile, as the examples expect them."""
    answer = cli("demo", "--no-tui", "--weeks=0", "--quiet")
    try:
        assert answer.code == 0, answer.err
        core = App.open("demo", as_name=chain.INVENTOR)
        chain.furnish(core)  # as after some weeks, which would take longer
        core.close()
        yield cli
    finally:
        cli("sandbox", "down", "--profile", "demo")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("page", PAGES[:2], ids=lambda page: page.name)
def test_examples_of_the_readme_run(demo: Any, page: Path) -> None:
    lines = examples(page)
    assert len(lines) >= 8
    for line in lines:
        words = shlex.split(line, comments=True)[1:]
        answer = demo(*words)
        assert answer.code == 0, (line, answer.err)
        assert answer.out, line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_named_in_a_page_exists(page: Path) -> None:
    """`storeops noun verb` anywhere in a page is a command that there is."""
    from commands import tree

    tree.Root.nouns = nouns()
    root = tree.Root(name="storeops", rich_markup_mode=None)
    context = root.context_class(root, info_name="storeops")
    text = page.read_text("utf-8")
    code = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL) + re.findall(
        r"`[^`\n]+`", text
    )
    named = re.findall(
        r"(?:^|[`$ ])storeops ([a-z][a-z-]+)(?: ([a-z][a-z-]+))?", "\n".join(code), re.MULTILINE
    )
    for noun, verb in named:
        assert noun in nouns(), f"storeops {noun}"
        command = root.get_command(context, noun)
        if verb and getattr(command, "commands", None):
            assert verb in command.commands, f"storeops {noun} {verb}"
