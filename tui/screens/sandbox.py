"""Sandbox: its clock, its faults, what was called. Talks to it over HTTP only."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, ClassVar

from textual import events
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget

from storeops.errors import NetworkError
from storeops.i18n import N_, _, ngettext
from storeops.times import second
from tui.cells import shown
from tui.keys import DO, LIST, LOOK, Key
from tui.screens.base import BaseScreen
from tui.widgets.panes import ListPane, Pane, TextPane
from tui.widgets.rows import Line, ListColumn, TableRows
from tui.widgets.virtual_list import VirtualList

EVERY = 2.0  # seconds between two looks
RARELY = 60.0  # at most, while nobody answers
DAY = 86_400


class SandboxScreen(BaseScreen):
    """The sandbox behind the profile."""

    FIRST: ClassVar[str] = "calls"
    CSS_PATH = Path(__file__).with_name("sandbox.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("advance", "t,f6", N_("+24 h"), N_("Move the sandbox's clock on by 24 hours."), DO,
            footer=True),
        Key("hour", "h", N_("+1 h"), N_("Move the sandbox's clock on by one hour."), DO,
            footer=True),
        Key("fault", "a,f8", N_("Add fault"),
            N_("Make calls go wrong: an errcode, a cut connection, a slow answer …"), DO,
            footer=True),
        Key("clear", "d,delete", N_("Clear fault"), N_("Remove the fault under the cursor."), DO,
            footer=True),
        Key("clear_all", "D", N_("Clear all"), N_("Remove every fault."), DO),
        Key("count_anew", "z", N_("Count anew"), N_("Count calls from zero."), LOOK),
        *(key for key in LIST if key.action != "jump"),
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._timer: Timer | None = None
        self._faults = 0
        self._silent_since: float | None = None
        self._wait = EVERY  # seconds until the next look
        self._shown: dict[str, list[Line]] = {}  # lines by list

    def body(self) -> Iterable[Widget]:
        """Calls and faults; clock and counts at the side."""
        workers = self.list_workers()
        calls = [
            ListColumn("path", _("Path"), 20, 3, keep=9),
            ListColumn("calls", _("Calls"), 7, right=True, keep=8),
            ListColumn("flight", _("In flight"), 9, right=True, keep=6),
            ListColumn("codes", _("Answers"), 12, 2, keep=7),
        ]
        faults = [
            ListColumn("id", _("Fault"), 5, right=True, keep=8),
            ListColumn("kind", _("Kind"), 10, 1, keep=9),
            ListColumn("path", _("Path"), 12, 2, keep=7),
            ListColumn("when", _("When"), 8, 1, keep=6),
            ListColumn("hits", _("Hits"), 9, right=True, keep=6),
        ]
        with Horizontal(id="body"):
            with Vertical(id="left"):
                yield ListPane(VirtualList(calls, *workers, id="calls"), title=_("Calls"))
                yield ListPane(VirtualList(faults, *workers, id="faults"), title=_("Faults"))
            yield Pane(TextPane(id="state", focus=False), title=_("Chain"), id="state-pane")

    def on_screen_suspend(self) -> None:
        """Nobody looks: do not ask."""
        if self._timer is not None:
            self._timer.stop()

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Somebody looks again."""
        super().on_screen_resume(event)
        if self._timer is not None:
            self._wait = EVERY
            self.read_again()

    def ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        """One call of the control side (background)."""
        from storeops.domains.sandbox.sandbox_control import control

        return control(self.app.core.profile.base_url, method, path, body)

    def read_again(self) -> None:
        """Status, calls and faults."""

        def look() -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
            return self.ask("GET", "status"), self.ask("GET", "calls"), self.ask("GET", "faults")

        self.app.background("reads").submit(look, self._answered, self._silent, key="sandbox.look")

    def _again(self) -> None:
        """The next look, unless nobody sees the screen."""
        if self._timer is not None:
            self._timer.stop()
        if self.is_current:
            self._timer = self.set_timer(self._wait, self.read_again)

    def _answered(self, answer: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
        if self.is_mounted:
            self._wait, self._silent_since = EVERY, None
            self._show(answer)
            self._again()

    def _silent(self, error: Exception) -> None:
        """Nobody answers: say so in the pane, look less and less often; no notice a second."""
        if not isinstance(error, NetworkError) or not self.is_mounted:
            self.app.failed(error)
            return
        now = self.app.core.clock.now()
        self._silent_since = self._silent_since or now
        self._wait = min(2 * self._wait, RARELY)
        since = _("Nobody answers since {time}.").format(time=second(self._silent_since))
        lines = [error.message, since, error.hint, _("F5 looks again.")]
        text = Content.styled("\n\n".join(map(shown, filter(None, lines))), "$text-warning")
        self.query_one("#state", TextPane).put(text)
        self._again()

    def _show(self, answer: tuple[dict[str, Any], dict[str, Any], dict[str, Any]]) -> None:
        status, calls, faults = answer
        # else a sync begun before the first answer would be dated before the jump
        self.app.core.clock.learn(float(status["now"]))
        parts: list[Content] = [
            Content.styled(_("Clock") + "\n", "bold $accent"),
            Content(second(float(status["now"])) + "\n\n"),
            Content.styled(shown(str(status["name"])) + "\n", "bold $accent"),
        ]
        names = {
            "departments": _("departments"), "staff": _("staff"), "leavers": _("leavers"),
            "customers": _("customers"), "follows": _("follows"),
            "unassigned": _("unassigned"), "tags": _("tags"), "groups": _("group chats"),
            "events": _("events"),
        }  # fmt: skip
        for key, count in status["counts"].items():
            parts.append(Content(f"{count:>9,} {names.get(key, key)}\n"))
        for ban in status.get("bans") or ():
            parts.append(Content.styled(_("banned: {what}").format(what=shown(str(ban))) + "\n",
                                        "$text-warning"))  # fmt: skip
        self.query_one("#state", TextPane).put(Content("").join(parts))
        rows = [
            Line(
                path,
                (
                    shown(path.removeprefix("/cgi-bin/")),
                    f"{count['calls']:,}",
                    f"{count['in_flight']} ≤{count['max_in_flight']}",
                    shown(" ".join(f"{code}×{n}" for code, n in count["errcodes"].items())),
                ),
            )
            for path, count in calls["paths"].items()
        ]
        self._put("calls", rows)
        lines = [
            Line(
                fault["id"],
                (
                    str(fault["id"]),
                    shown(
                        f"{fault['kind']} {fault['errcode'] if fault['kind'] == 'errcode' else ''}"
                    ),
                    shown(fault["path"]),
                    _when(fault),
                    f"{fault['hit']}/{fault['seen']}",
                ),
                "warn",
            )
            for fault in faults["faults"]
        ]
        if len(lines) != self._faults:
            self._faults = len(lines)
            self.call_after_refresh(self.paint_frame)
        self._put("faults", lines)

    def _put(self, name: str, lines: list[Line]) -> None:
        if lines != self._shown.get(name):  # else every look would paint a list that stands there
            self._shown[name] = lines
            self.query_one(f"#{name}", VirtualList).show(TableRows(lines), stay=True)

    def crumbs(self) -> list[str]:
        """Faults in force."""
        if not self._faults:
            return []
        text = ngettext("{count} fault in force", "{count} faults in force", self._faults)
        return [text.format(count=self._faults)]

    def command_line(self) -> str:
        """The command."""
        return "storeops sandbox calls"

    # -- actions -------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Faults are needed to clear some."""
        if action in ("clear", "clear_all") and not self._faults:
            return _("No fault is in force.")
        return super().why_not(action)

    def _do(self, method: str, path: str, body: dict[str, Any] | None, said: str) -> None:
        def then(_answer: dict[str, Any]) -> None:
            self.app.notify(said)
            self.read_again()

        self.work(lambda: self.ask(method, path, body), then)

    def do_advance(self) -> None:
        """A day on."""
        said = _("The sandbox's clock is 24 hours further.")
        self._do("POST", "clock", {"advance_s": DAY}, said)

    def do_hour(self) -> None:
        """An hour on."""
        said = _("The sandbox's clock is one hour further.")
        self._do("POST", "clock", {"advance_s": 3600}, said)

    def do_fault(self) -> None:
        """Add one."""
        from tui.modals.fault import FaultModal

        def then(fault: dict[str, Any] | None) -> None:
            if fault is not None:
                self._do("POST", "faults", fault, _("The fault is in force."))

        self.open_window(FaultModal(), then)

    def do_clear(self) -> None:
        """Remove one."""
        line = self.listing("faults").line
        if line is not None:
            self._do("DELETE", f"faults/{line.key}", None, _("The fault is gone."))

    def do_clear_all(self) -> None:
        """Remove all."""
        self._do("DELETE", "faults", None, _("All faults are gone."))

    def do_count_anew(self) -> None:
        """Count from zero."""
        self._do("POST", "calls/reset", None, _("Calls are counted from zero."))

    def step_back(self) -> bool:
        """From the faults to the calls."""
        calls = self.listing("calls")
        if self.focused is not calls:
            calls.focus()
            return True
        return False


def _when(fault: dict[str, Any]) -> str:
    if fault["rate"] is not None:
        return f"{fault['rate']:.0%}"
    if fault["first"] is not None:
        return _("first {count}").format(count=fault["first"])
    if fault["nth"] is not None:
        return _("call {number}").format(number=fault["nth"])
    return _("always")


def _kind(fault: dict[str, Any]) -> str:
    kind = str(fault["kind"])
    return f"{kind} {fault['errcode']}" if kind == "errcode" else kind
