"""Draw the pictures of docs/screens.md from an invented chain, and play its journey in tmux.

    make screens                 # all of them, in three sizes and two languages
    python docs/screens.py plans # only those whose names begin so, and not the journey

Pictures come from the application itself (SVG), most of them after three weeks of the chain's life
with plans, jobs, handovers and nights behind it. The journey runs `storeops tui` in a real terminal
(tmux, 100×26) and puts the text of every step between the markers of docs/screens.md; without tmux
only the pictures are drawn. The clock stands still at noon, so that twice the same comes out;
tests/tui/test_docs.py plays the journey again and notices when page or picture has aged.
"""

from __future__ import annotations

import asyncio
import html
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from base64 import b64encode
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
PAGE = HERE / "screens.md"
NOON = 1_779_076_800  # 2026-05-18 12:00 in Beijing
LATER = 600  # seconds between the sync and the pictures
MANAGER = "王店长"  # who types
LEAVER = "g00015"  # a guide who leaves between two syncs
LINES = (100, 26)  # the terminal of the journey


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture: the screen to begin with, the keys, the size, the language.

    Attributes:
        scene: `lived` after some weeks of life, `chain` on the day the chain was first read,
            `dairy` on that day with the demo's dairy.
    """

    name: str
    screen: str
    keys: tuple[str, ...] = ()
    scene: str = "lived"
    size: tuple[int, int] = (120, 35)
    language: str = "en"


MARKED = ("slash", "王", "enter", "space", "space", "space")
SILVER = ("slash", *"store:8", "space", *"#银卡", "enter", "down", "down")
GIVEN = ("o", "enter")
SIZES = {"-small": (80, 24), "": (120, 35), "-large": (200, 60)}
VIEWS = (
    Picture("today", "today"),
    Picture("customers", "customers", MARKED, scene="chain"),
    Picture("card", "customers", (*SILVER, "enter")),
    Picture("finder", "customers", ("colon", *"万达")),
    Picture("help", "customers", ("question_mark",)),
    Picture("tagging", "customers", (*MARKED, "t")),
    Picture("staff", "staff", ("down", "down")),
    Picture("stores", "stores"),
    Picture("tags", "tags"),
    Picture("groups", "groups"),
    Picture("sync", "sync"),
    Picture("plans", "handover", (*GIVEN, "p")),
    Picture("apply", "handover", (*GIVEN, "p", "ctrl+s")),
    Picture("jobs", "jobs"),
    Picture("handover", "handover", GIVEN),
    Picture("events", "events"),
    Picture("audit", "audit"),
    Picture("reports", "reports"),
    Picture("care", "care"),
    Picture("orders", "orders", ("u",)),
    Picture("performance", "performance", ("left_square_bracket",)),
    Picture("night", "night"),
    Picture("tracing", "tracing", ("enter", "down", "down"), scene="dairy"),
    Picture("suppliers", "suppliers", scene="dairy"),
    Picture("stock", "stock", ("down",), scene="dairy"),
    Picture("forecast", "forecast", ("o", "right_square_bracket"), scene="dairy"),
    Picture("sandbox", "sandbox"),
)
DRAWN = tuple(
    replace(each, name=f"{each.name}{end}{twin}", size=size, language=language)
    for each in VIEWS
    for end, size in SIZES.items()
    for twin, language in (("", "en"), (".zh", "zh_CN"))
)
PAST = {  # days before → what was typed after that day's sync
    3: (
        ("handover", "plan", "--from", "g00027", "--rule", "same-store"),
        ("plan", "apply", "last", "--yes"),
    ),
    1: (("handover", "watch", "--once"),),
}
PRESENT = (  # what was typed today
    ("events", "run"),
    ("tag", "plan", "--where", "store:8 #银卡", "--follows", "newest", "--add", "每周"),
    ("plan", "apply", "last", "--yes", "--reason", "周末活动"),
    (
        "remark",
        "plan",
        "--where",
        "store:5 since:7d",
        "--follows",
        "newest",
        "--remark",
        "{store} {name}",
    ),
    ("plan", "apply", "last", "--yes"),
    ("tag", "plan", "--where", "store:6 since:7d", "--follows", "newest", "--add", "每月"),
)
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
def running(home: Path, start_at: int) -> Iterator[Any]:
    """A sandbox, and in `home` a profile `demo` that mirrors it; nothing is read yet."""
    os.environ |= {"STOREOPS_HOME": str(home), "STOREOPS_LANG": "en"}
    from storeops import config, i18n, secrets
    from storeops.config import Profile
    from storeops.domains.sandbox import sandbox_records
    from storeops.sandbox.local import start

    i18n.use("en")
    with start(stores=12, staff=80, follows=4000, seed=7, start_at=start_at) as sandbox:
        profile = Profile("demo", sandbox.corp_id, sandbox.agent_id, sandbox.base_url, sandbox=True)
        config.save_profile(profile, make_default=True)
        secrets.save("demo", sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        yield sandbox


def read(at: float = 0) -> None:
    """Sync, so many seconds after noon."""
    from storeops.app import App
    from storeops.sync.run import run_sync

    stand_still(at)
    core = App.open("demo")
    run_sync(core)
    core.close()


@contextmanager
def chain(home: Path) -> Iterator[Any]:
    """The chain on the day it is first read; a guide has just left."""
    with running(home, NOON) as sandbox:
        read()
        sandbox.control.act("staff_leave", userid=LEAVER)
        read(LATER // 2)
        sandbox.control.call("POST", "calls/reset")
        stand_still()
        yield sandbox


@contextmanager
def lived(home: Path) -> Iterator[Any]:
    """The chain after three weeks: with nights, notes, plans in every condition, a handover."""
    from types import SimpleNamespace

    import storeops.sandbox.clock
    from storeops.app import App
    from storeops.domains.sandbox import demo_history

    storeops.sandbox.clock.time = SimpleNamespace(time=lambda: float(NOON))  # type: ignore[assignment]
    begin = demo_history.started_at(NOON, demo_history.WEEKS)
    now = begin

    def learn(moment: float) -> None:
        nonlocal now
        now = int(moment)

    def sync() -> None:
        read(now - NOON)
        for words in PAST.get((NOON - now) // demo_history.DAY, ()):
            typed(*words)

    with running(home, begin) as sandbox:
        demo_history.reassign_first_leavers(sandbox.base_url)
        sync()
        core = App.open("demo")
        ports = demo_history.DemoPorts(sandbox.base_url, core.data, sync, learn)
        demo_history.play(ports, demo_history.WEEKS)
        nights(core)
        callbacks(core)
        core.close()
        purchases()
        read(LATER // 2)
        for words in PRESENT:
            typed(*words)
        sandbox.control.fault("errcode", "externalcontact/get_follow_user_list", errcode=45009)
        stand_still()
        yield sandbox


def purchases() -> None:
    """What domains know beside WeCom: orders, what is due, whose sale it was."""
    from storeops.app import App
    from storeops.domains.sandbox import demo

    core = App.open("demo", as_name=demo.INVENTOR)
    demo.furnish(core)
    core.close()


@contextmanager
def dairy(home: Path) -> Iterator[Any]:
    """The chain with the demo's dairy, and its bad tank called back."""
    with chain(home) as sandbox:
        from commands.dairy import take_in
        from storeops.app import App

        core = App.open("demo", as_name=MANAGER)
        files = take_in(core)
        core.close()
        if files is not None:
            typed("trace", "recall", "plan", files.bad_lot, "--reason", "抗生素超标")
        yield sandbox


def typed(*words: str) -> None:
    """A command line that a manager types."""
    from commands.main import run

    silence = io.StringIO()
    with redirect_stdout(silence), redirect_stderr(silence):
        code = run([*words, "--as", MANAGER, "--lang", "zh_CN"])
    if code not in (0, 6):
        sys.exit(f"storeops {' '.join(words)}: {silence.getvalue()}")


def nights(core: Any) -> None:
    """The proposed tasks, and their runs until noon: all well."""
    from storeops.domains.schedule import proposals, runs, tasks

    for task in proposals.add_missing(core.data, NOON - 2 * 86_400):
        at = task.next_at
        while at is not None and at <= NOON:
            run = runs.claim(core.data, task.name, at)
            runs.finish(core.data, run, at, status="ended", exit_code=0, duration_s=2.0)
            at = tasks.get(core.data, task.name).next_at


def callbacks(core: Any) -> None:
    """A dozen events as a receiver kept them: the newest relations, a minute apart."""
    from storeops.events.inbox import Delivery, Inbox
    from storeops.events.kinds import named
    from storeops.events.message import read_message

    inbox = Inbox(core.inbox)
    rows = core.data.execute(
        "SELECT s.userid, c.external_userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " JOIN customer AS c ON c.id = f.customer_id WHERE f.status = 'active'"
        " ORDER BY f.createtime DESC, f.id LIMIT 24"
    ).fetchall()
    for number, (userid, customer) in enumerate(rows):
        at = NOON - 60 * (len(rows) - number)
        change = "edit_external_contact" if number % 3 == 2 else "add_external_contact"
        body = (
            f"<xml><ToUserName>{core.profile.corp_id}</ToUserName><FromUserName>sys</FromUserName>"
            f"<CreateTime>{at}</CreateTime><MsgType>event</MsgType>"
            "<Event>change_external_contact</Event>"
            f"<ChangeType>{change}</ChangeType><UserID>{userid}</UserID>"
            f"<ExternalUserID>{customer}</ExternalUserID></xml>"
        ).encode()
        message = read_message(body)
        shell = b"<xml><Encrypt>" + b64encode(body)[:64] + b"</Encrypt></xml>"
        sealed = Delivery("0" * 40, str(at), str(number), shell)
        inbox.keep(sealed, "sealed", message, body, named(message), "", float(at))


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
    core.as_name = MANAGER
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
    svg = slim(re.sub(r"terminal-\d+", "terminal", svg))
    svg = re.sub(r"\b(handover|tag|remark)-[2-9A-Z]{6}\b", r"\1-7Q2KXM", svg)  # ids are random
    # the sandbox's own clock runs
    svg = re.sub(r"(\d{4}-\d\d-\d\d(?: |&#160;)\d\d):\d\d:\d\d", r"\1:00:00", svg)
    return re.sub(r"<text ([^>]*)>([^<]*)</text>", aligned, svg)


def slim(svg: str) -> str:
    """The same picture in a third of the bytes: areas of one colour joined, no cut per line."""
    svg = re.sub(r'<clipPath id="terminal-line-\d+">.*?</clipPath>\s*', "", svg, flags=re.DOTALL)
    svg = re.sub(r' clip-path="url\(#terminal-line-\d+\)"', "", svg)
    svg = svg.replace("terminal-", "").replace("&#160;", "\xa0")
    areas: list[tuple[str, float, float, float, float]] = []
    for fill, *numbers in re.findall(_AREA, svg):
        x, y, width, height = map(float, numbers)
        before = areas[-1] if areas else ("", 0.0, 0.0, 0.0, 0.0)
        if before[0] == fill and before[2] == y and abs(before[1] + before[3] - x) < 0.1:
            areas[-1] = (fill, before[1], y, before[3] + width, height)
        else:
            areas.append((fill, x, y, width, height))
    joined: list[tuple[str, float, float, float, float]] = []
    above: dict[tuple[str, int, int], int] = {}
    for fill, x, y, width, height in areas:
        key = (fill, round(x), round(width))
        at = above.get(key)
        if at is not None and abs(joined[at][2] + joined[at][4] - _OVER - y) < 0.1:
            joined[at] = (*joined[at][:4], y + height - joined[at][2])
        else:
            above[key] = len(joined)
            joined.append((fill, x, y, width, height))
    drawn = "".join(
        f'<rect fill="{fill}" x="{x:.4g}" y="{y:.5g}" width="{width:.5g}" height="{height:.5g}"/>'
        for fill, x, y, width, height in joined
    )
    first = re.search(_AREA, svg)
    if first is None:
        return svg
    head, tail = svg[: first.start()], re.sub(_AREA, "", svg[first.start() :])
    return f'{head}<g shape-rendering="crispEdges">{drawn}</g>{tail}'


_OVER = 0.25  # px by which the area of a line reaches into the next
_AREA = (
    r'<rect fill="([^"]+)" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)" height="([\d.]+)"'
    r' shape-rendering="crispEdges"/>'
)


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


def main(names: Sequence[str] = ()) -> None:
    """Make the chains, draw, play; with names only the pictures that begin so."""
    PICTURES.mkdir(exist_ok=True)
    wanted = [each for each in DRAWN if not names or each.name.startswith(tuple(names))]
    for kind in (lived, chain, dairy):
        mine = [each for each in wanted if each.scene == kind.__name__]
        if not mine and (names or kind is not chain):
            continue
        with tempfile.TemporaryDirectory() as folder, kind(Path(folder)):
            for picture in mine:
                with copied(Path(folder)):
                    svg = asyncio.run(draw(picture))
                (PICTURES / f"{picture.name}.svg").write_text(svg, encoding="utf-8")
                print(f"pictures/{picture.name}.svg", flush=True)
            if kind is not chain or names:
                continue
            if shutil.which("tmux") is None:
                print("tmux is not installed: the journey was left as it is")
                return
            with copied(Path(folder)) as home:
                journey = play(home)
    if names:
        return
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
        main(sys.argv[1:])
