"""Draw the pictures of docs/screens.md from an invented chain, and play its journey in tmux.

    make screens

Pictures come from the application itself (SVG). The journey runs `storeops tui` in a real terminal
(tmux, 100×26) and puts the text of every step between the markers of docs/screens.md; without tmux
only the pictures are drawn.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).parent
PICTURES = HERE / "pictures"
PAGE = HERE / "screens.md"
NOON = 1_779_076_800  # 2026-05-18 12:00 in Beijing
SIZE = (120, 30)
PICTURE_OF = {
    "today": ("today", []),
    "customers": ("customers", ["slash", "王", "enter", "space", "space", "space"]),
    "card": ("customers", ["slash", "王", "enter", "enter"]),
    "help": ("customers", ["question_mark"]),
    "stores": ("stores", []),
    "sync": ("sync", []),
    "sandbox": ("sandbox", []),
}
JOURNEY = (
    ("Start", []),
    ("2, then / and 王: filtered while typing", ["2", "/", "王"]),
    ("store: narrows it to one shop", [" store:上海"]),
    ("Enter to the list, Space three times: three marks", ["Enter", "Space", "Space", "Space"]),
    ("Home, Enter: the card", ["Home", "Enter"]),
    ("Esc, M, e: only the marked ones, exported", ["Escape", "M", "e"]),
    ("Enter writes the file", ["Enter"]),
    ("q leaves, after asking", ["q"]),
)


async def draw() -> None:
    """Every picture."""
    from storeops.app import App
    from tui.app import StoreOpsApp

    core = App.open("demo")
    for name, (start, keys) in PICTURE_OF.items():
        app = StoreOpsApp(core, start=start)
        async with app.run_test(size=SIZE) as pilot:
            for key in ["", *keys, ""]:
                if key:
                    await pilot.press(key)
                await asyncio.sleep(0.4)
                while app.busy:
                    await asyncio.sleep(0.02)
                await pilot.pause()
            svg = app.export_screenshot(title="storeops")
        # no fonts from elsewhere, no random ids: the picture is the same until the screen changes
        svg = re.sub(r"@font-face \{.*?\}", "", svg, flags=re.DOTALL)
        svg = re.sub(r"terminal-\d+", "terminal", svg)
        (PICTURES / f"{name}.svg").write_text(svg, encoding="utf-8")
        print(f"pictures/{name}.svg")
    core.close()


def tmux(*words: str) -> str:
    """One tmux command on a server of our own; its output."""
    command = ["tmux", "-L", f"storeops-{os.getpid()}", *words]
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


def play(home: str) -> str:
    """The journey as Markdown."""
    folder = Path(home) / "journey"
    folder.mkdir()
    variables = f"STOREOPS_HOME={home} STOREOPS_LANG=en LC_ALL=C.UTF-8 TERM=screen-256color"
    program = f"cd {folder} && exec env {variables} {sys.executable} -m storeops tui"
    tmux("new-session", "-d", "-x", "100", "-y", "26", program)
    parts = []
    try:
        for title, keys in JOURNEY:
            for key in keys:
                tmux("send-keys", key)
                time.sleep(0.4)
            screen = "\n".join(line.rstrip() for line in still().rstrip("\n").split("\n"))
            parts.append(f"**{title}**\n\n```text\n{screen}\n```\n")
        tmux("send-keys", "Enter")
        time.sleep(1)
        rows = (folder / "customers.csv").read_text(encoding="utf-8-sig").count("\n") - 1
        parts.append(f"The file holds {rows} customers; the terminal is as it was before.\n")
    finally:
        tmux("kill-server")
    return "\n".join(parts)


def main() -> None:
    """Make the chain, draw, play."""
    sys.path.insert(0, str(HERE.parent))
    with tempfile.TemporaryDirectory() as home:
        os.environ |= {"STOREOPS_HOME": home, "STOREOPS_LANG": "en"}
        from storeops import config, i18n, secrets
        from storeops.app import App
        from storeops.config import Profile
        from storeops.sandbox.local import start
        from storeops.sync.run import run_sync

        i18n.use("en")
        PICTURES.mkdir(exist_ok=True)
        with start(stores=12, staff=80, follows=4000, seed=7, start_at=NOON) as sandbox:
            config.save_profile(
                Profile("demo", sandbox.corp_id, sandbox.agent_id, sandbox.base_url, sandbox=True),
                make_default=True,
            )
            secrets.store("demo", sandbox.secret)
            core = App.open("demo")
            run_sync(core)
            core.close()
            asyncio.run(draw())
            if shutil.which("tmux") is None:
                print("tmux is not installed: the journey was left as it is")
                return
            journey = play(home)
        page = PAGE.read_text(encoding="utf-8")
        begin, end = "<!-- journey -->", "<!-- end of the journey -->"
        head, _, rest = page.partition(begin)
        _, _, tail = rest.partition(end)
        PAGE.write_text(f"{head}{begin}\n\n{journey}\n{end}{tail}", encoding="utf-8")
        print("screens.md")


if __name__ == "__main__":
    main()
