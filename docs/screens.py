"""Draw the pictures of docs/screens.md from an invented chain, and play its journey in tmux.

    make screens

Pictures come from the application itself (SVG). The journey runs `storeops tui` in a real terminal
(tmux, 100×26) and puts the text of every step between the markers of docs/screens.md; without tmux
only the pictures are drawn. The clock stands still at noon, so that twice the same comes out;
tests/tui/test_docs.py plays the journey again and notices when page or picture has aged.
"""

from __future__ import annotations

import asyncio
import html
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
PAGE = HERE / "screens.md"
NOON = 1_779_076_800  # 2026-05-18 12:00 in Beijing
LATER = 600  # seconds between the sync and the pictures
LEAVER = "g00015"  # a guide who leaves between two syncs
LINES = (100, 26)  # the terminal of the journey


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: the screen to begin with, the keys, the size, the language."""

    name: str
    screen: str
    keys: tuple[str, ...] = ()
    size: tuple[int, int] = (120, 30)
    language: str = "en"


MARKED = ("slash", "王", "enter", "space", "space", "space")
GIVEN = ("o", "enter")
SMALL, LARGE = (80, 24), (200, 60)
VIEWS = (
    Picture("today", "today"),
    Picture("today-small", "today", size=SMALL),
    Picture("today-large", "today", size=LARGE),
    Picture("customers", "customers", MARKED),
    Picture("customers-small", "customers", MARKED, SMALL),
    Picture("customers-large", "customers", MARKED, LARGE),
    Picture("card", "customers", ("slash", "王", "enter", "enter")),
    Picture("help", "customers", ("question_mark",)),
    Picture("tags", "customers", (*MARKED, "t")),
    Picture("stores", "stores"),
    Picture("sync", "sync"),
    Picture("handover", "handover", GIVEN, (160, 36)),
    Picture("plans", "handover", (*GIVEN, "p")),
    Picture("plans-small", "handover", (*GIVEN, "p"), SMALL),
    Picture("apply", "handover", (*GIVEN, "p", "ctrl+s"), SMALL),
    Picture("sandbox", "sandbox"),
)
DRAWN = (*VIEWS, *(replace(each, name=f"{each.name}.zh", language="zh_CN") for each in VIEWS))
JOURNEY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Start", ()),
    ("2, then / and 王: filtered while typing", ("2", "/", "王")),
    ("store: narrows it to one shop", tuple(" store:上海")),
    (
        "Enter to the list, Space three times: three marks",
        ("Enter", "Space", "Space", "Space"),
    ),
    ("Home, Enter: the card", ("Home", "Enter")),
    ("Esc, M, e: only the marked ones, exported", ("Escape", "M", "e")),
    ("Enter writes the file", ("Enter",)),
    ("q leaves, after asking", ("q",)),
)


def stand_still(later: float = LATER) -> None:
    """From now on the clock of every profile opened in this process stands at noon and later."""
    import storeops.app
    from storeops.clock import SystemClock

    class StillClock(SystemClock):
        """Noon; what WeCom's answers say about the time changes nothing."""

        def now(self) -> float:
            """Noon, and so many seconds later."""
            return NOON + later

        def learn(self, server_time: float) -> None:
            """Nothing."""

    storeops.app.SystemClock = StillClock  # type: ignore[misc]


@contextmanager
def chain(home: Path) -> Iterator[Any]:
    """A sandbox, and in `home` a profile `demo` that mirrors it; a guide has just left."""
    os.environ |= {"STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"}
    from storeops import config, i18n, secrets
    from storeops.app import App
    from storeops.config import Profile
    from storeops.domains.sandbox import sandbox_records
    from storeops.sandbox.local import start
    from storeops.sync.run import run_sync

    i18n.use("en")
    with start(stores=12, staff=80, follows=4000, seed=7, start_at=NOON) as sandbox:
        profile = Profile("demo", sandbox.corp_id, sandbox.agent_id, sandbox.base_url, sandbox=True)
        config.save_profile(profile, make_default=True)
        secrets.save("demo", sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        for later in (0, LATER // 2):
            stand_still(later)
            core = App.open("demo")
            run_sync(core)
            core.close()
            if not later:
                sandbox.control.act("staff_leave", userid=LEAVER)
        sandbox.control.call("POST", "calls/reset")
        stand_still()
        yield sandbox


@contextmanager
def copied(home: Path) -> Iterator[Path]:
    """A copy of the profile, so that no picture sees the marks and plans of another."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "home"
        shutil.copytree(home, copy)
        os.environ["STOREOPS_HOME"] = str(copy)
        yield copy
    os.environ["STOREOPS_HOME"] = str(home)


async def rest(app: Any, pilot: Any) -> None:
    """Wait until facets were counted and nothing is to be painted."""
    await asyncio.sleep(0.4)
    while app.busy:
        await asyncio.sleep(0.02)
    await pilot.pause()


async def draw(picture: Picture) -> str:
    """A picture as SVG, the same every time until the screen changes."""
    from storeops import i18n
    from storeops.app import App
    from tui.app import StoreOpsApp

    i18n.use(picture.language)
    core = App.open("demo")
    app = StoreOpsApp(core, start=picture.screen)
    async with app.run_test(size=picture.size) as pilot:
        await rest(app, pilot)
        for key in picture.keys:
            await pilot.press(key)
            await rest(app, pilot)
        app.clear_notifications()
        await rest(app, pilot)
        svg = app.export_screenshot(title="storeops")
    core.close()
    i18n.use("en")
    svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)  # no fonts from elsewhere
    svg = re.sub(r"terminal-\d+", "terminal", svg)
    svg = re.sub(r"\b(handover|tag|remark)-[2-9A-Z]{6}\b", r"\1-7Q2KXM", svg)  # ids are random
    # the sandbox's own clock runs
    svg = re.sub(r"(\d{4}-\d\d-\d\d(?: |&#160;)\d\d):\d\d:\d\d", r"\1:00:00", svg)
    return re.sub(r"<text ([^>]*)>([^<]*)</text>", aligned, svg)


def aligned(text: re.Match[str]) -> str:
    """A text with wide characters as words that each begin at their own cell.

    The picture counts characters where it should count cells, and a viewer's font for Chinese is
    seldom exactly twice as wide as its font for Latin: the columns of a row would lean.
    """
    from rich.cells import cell_len

    attributes, content = text[1], html.unescape(text[2])
    if cell_len(content) == len(content):
        return text[0]
    start = re.search(r'(?<= )x="([\d.]+)"', attributes)
    length = re.search(r'textLength="([\d.]+)"', attributes)
    if start is None or length is None:
        return text[0]
    width = float(length[1]) / len(content)
    parts = []
    at = 0
    for word in re.findall(r"[\s\xa0]+|[\x21-\x7e]+|[^\s\xa0\x21-\x7e]+", content):
        if word.strip():
            placed = attributes.replace(start[0], f'x="{round(float(start[1]) + at * width, 1)}"')
            placed = placed.replace(length[0], f'textLength="{round(cell_len(word) * width, 1)}"')
            parts.append(f"<text {placed}>{html.escape(word, quote=False)}</text>")
        at += cell_len(word)
    return "".join(parts)


def tmux(*words: str) -> str:
    """One tmux command on a server of our own; its output."""
    command = ["tmux", "-f", os.devnull, "-L", f"storeops-{os.getpid()}", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout


def still() -> str:
    """The screen once it has not changed for half a second."""
    before = ""
    for _ in range(60):
        time.sleep(0.5)
        now = tmux("capture-pane", "-p")
        if now == before and now.strip():
            return now
        before = now
    return before


def tidy(screen: str) -> str:
    """A screen without blanks at the ends of its lines and without notices."""
    lines = [line.rstrip() for line in screen.rstrip("\n").split("\n")]
    return "\n".join(lines)


def play(home: Path) -> str:
    """The journey as Markdown."""
    folder = home / "journey"
    folder.mkdir()
    variables = f"STOREOPS_HOME={home} STOREOPS_LANG=en LC_ALL=C.UTF-8 TERM=screen-256color"
    program = f"cd {folder} && exec env {variables} {sys.executable} {HERE / 'screens.py'} tui"
    width, height = map(str, LINES)
    tmux("new-session", "-d", "-x", width, "-y", height, program, ";", "set", "status", "off")
    parts = []
    try:
        for title, keys in JOURNEY:
            for key in keys:
                tmux("send-keys", key if len(key) > 1 else "-l", *([] if len(key) > 1 else [key]))
                time.sleep(0.4)
            time.sleep(10 if title.startswith("Enter writes") else 0)  # until its notices are gone
            parts.append(f"**{title}**\n\n```text\n{tidy(still())}\n```\n")
        tmux("send-keys", "Enter")
        time.sleep(1)
        rows = (folder / "customers.csv").read_text(encoding="utf-8-sig").count("\n") - 1
        parts.append(f"The file holds {rows} customers; the terminal is as it was before.\n")
    finally:
        tmux("kill-server")
    return "\n".join(parts)


def main() -> None:
    """Make the chain, draw, play."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder, chain(Path(folder)):
        for picture in DRAWN:
            with copied(Path(folder)):
                svg = asyncio.run(draw(picture))
            (PICTURES / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
            print(f"pictures/{picture.name}.svg")
        if shutil.which("tmux") is None:
            print("tmux is not installed: the journey was left as it is")
            return
        with copied(Path(folder)) as home:
            journey = play(home)
    page = PAGE.read_text(encoding="utf-8")
    begin, end = "<!-- journey -->", "<!-- end of the journey -->"
    head, _, remainder = page.partition(begin)
    _, _, tail = remainder.partition(end)
    PAGE.write_text(f"{head}{begin}\n\n{journey}\n{end}{tail}", encoding="utf-8")
    print("screens.md")


if __name__ == "__main__":
    sys.path.insert(0, str(HERE.parent))
    if sys.argv[1:] == ["tui"]:  # the journey's terminal: the command itself, at noon
        from commands.main import main as command

        stand_still()
        command()
    else:
        main()
