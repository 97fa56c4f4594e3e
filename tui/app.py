"""The application: tabs, workers, notices, themes, crashes.

`StoreOpsApp(core)` shows the mirror of one profile. Screens read through
`background("reads")`, lists through `background("rows")` and `background("counts")`, long work
runs in `background("work")`; each of these workers has its own connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, runtime_checkable

from textual import events
from textual.app import App, ScreenStackError
from textual.css.query import NoMatches
from textual.filter import LineFilter
from textual.notifications import Notification, SeverityLevel
from textual.widgets import Input, TextArea
from textual.widgets._toast import ToastHolder

from storeops.database.trouble import known
from storeops.domain import ScreenSpec, guarded, has_rows, registry
from storeops.i18n import _
from storeops.plain import wrap
from tui.background import BackgroundWorker
from tui.cells import shown
from tui.garbage import seldom_collected
from tui.key_queue import KeyQueue
from tui.keys import ascii_equivalent, caption
from tui.screen_registry import screens as all_screens
from tui.status_poller import StatusPoller, StatusSnapshot
from tui.stylesheet import CachedStylesheet
from tui.syncing import Syncing
from tui.themes import ASCII, DARK, PLAIN, THEMES, fitting
from tui.working import Working

if TYPE_CHECKING:
    from textual.driver import Driver

    from storeops.app import App as Core
    from storeops.notebook.stores import Shop
    from tui.customer_repository import CustomerRepository

TRAIL = 20  # steps that Esc leads back
WORKER_CACHE = 2  # MiB of page cache per worker: several read at once, each in small steps
NOTICE = 66  # cells of a line of a notice
LOOK_EVERY = 1.0  # seconds between two looks whether anybody has written
# what looking for widgets and screens that are gone raises
_NOT_THERE = NoMatches, ScreenStackError


@runtime_checkable
class AppScreen(Protocol):
    """What the application asks of the screens below all windows."""

    NAME: str

    @property
    def is_mounted(self) -> bool:
        """Whether it is there."""

    def call_later(self, callback: Callable[..., Any], *args: Any, **kwargs: Any) -> bool:
        """Call when all that came before was handled."""

    def arrive(self, target: str) -> None:
        """Somebody came here for something."""

    def place(self) -> object:
        """What `return_to` needs."""

    def return_to(self, place: object) -> None:
        """Back from another screen."""

    def show_customer(self, external_userid: str, name: str) -> None:
        """The card of a customer in a window."""

    def stray(self, letter: str) -> str:
        """What to say of a letter that means nothing here."""

    def paint_status(self) -> None:
        """The line of freshness and limits anew."""

    def mirror_changed(self) -> None:
        """The mirror has a new revision."""

    def others_wrote(self) -> None:
        """Something but facts was written."""

    def sync_moved(self) -> None:
        """The sync of this process is further."""

    def sync_ended(self) -> None:
        """The sync of this process has ended."""

    def jobs_moved(self) -> None:
        """The worker of this process is further."""


class StoreOpsApp(App[None], inherit_bindings=False):
    """The screens over one profile.

    Args:
        core: the profile's databases, client, limits, clock. The caller closes it.
        start: name of the first screen.
        target: what the first screen shall show, for example a filter.
        customers: customers from elsewhere than the profile's database.

    Attributes:
        crash: the bug that ended the application, None when it ended well.
        next_profile: the profile whose screens shall be opened next, "" for none.
        begun: called once the first screen is painted.
    """

    ENABLE_COMMAND_PALETTE = False
    ESCAPE_TO_MINIMIZE = False
    CSS_PATH = Path(__file__).with_name("app.tcss")
    BINDINGS: ClassVar[list[Any]] = []

    def __init__(
        self,
        core: Core,
        *,
        start: str = "today",
        target: str = "",
        customers: CustomerRepository | None = None,
    ) -> None:
        self.core = core
        self.begun: Callable[[], None] = lambda: None
        self._customers = customers
        names = self.screens(sandbox=core.profile.sandbox)
        self.specs: dict[str, ScreenSpec] = {
            spec.name: spec for spec in all_screens() if spec.name in names
        }
        self.used = {spec.name for spec in self.specs.values() if self._is_used(spec)}
        if start not in self.specs:
            start = "today"
        self.DEFAULT_MODE = start  # type: ignore[misc]
        super().__init__()
        self.stylesheet = CachedStylesheet(variables=self.get_css_variables())
        core.data.limit_cache(WORKER_CACHE)
        for spec in self.specs.values():
            self.add_mode(spec.name, partial(self._opened, spec))
            self._bindings.bind(spec.key, f"go('{spec.name}')", show=False)
        self.animation_level = "none"
        self.title = "storeops"
        self.crash: Exception | None = None
        self._made: dict[str, Any] = {}  # a screen that is just being opened
        self._openers: dict[str, Callable[[], object]] = {}
        self._left_out: set[str] = set()  # entry points of domains whose screens failed
        self.revision = 0
        self.first_target = target
        self.next_profile = ""
        self._trail: list[tuple[str, object]] = []  # screens one came from, and the place there
        self._notices: dict[str, tuple[str, int]] = {}  # notice → its text, and how often it came
        self._background: dict[str, BackgroundWorker] = {}
        self._keys = KeyQueue(self, self._hand_on, lambda: self.background("reads").busy)
        self.syncing = Syncing(self)
        self.working = Working(self)
        self.status_poller = StatusPoller(
            core, self.syncing, self.working, partial(self.action_go, "jobs")
        )
        for theme in THEMES:
            self.register_theme(theme)
        self.theme = fitting().name
        self.set_class(self.theme == PLAIN.name, "plain")

    def _is_used(self, spec: ScreenSpec) -> bool:
        """Whether a screen has something to show, as far as its table says."""
        return not spec.table or has_rows(self.core.data, spec.table)

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours of ours, for the moment before our theme is chosen."""
        return DARK.variables

    def get_line_filters(self) -> Sequence[LineFilter]:
        """What changes lines before a terminal gets them."""
        filters = super().get_line_filters()
        return [*filters, ASCII] if self.theme == PLAIN.name else filters

    def get_driver_class(self) -> type[Driver]:
        """Our own driver, where Textual would take its own for Unix terminals."""
        chosen = super().get_driver_class()
        if chosen.__name__ != "LinuxDriver":  # Windows, or TEXTUAL_DRIVER
            return chosen
        from tui.terminal import TerminalDriver

        return TerminalDriver

    def on_load(self) -> None:
        """Begin tasks in the loop's next turn, as tests do, on every Python.

        From 3.12 on Textual asks for eager tasks, and then mounts a screen's inputs before the
        screen is on the stack that they look at.
        """
        asyncio.get_running_loop().set_task_factory(None)

    # -- the profile ---------------------------------------------------------------------------

    @staticmethod
    def screens(*, sandbox: bool) -> list[str]:
        """Names of the screens of a profile, in the order of their keys."""
        return [spec.name for spec in all_screens() if sandbox or not spec.sandbox]

    @property
    def profile_name(self) -> str:
        """Name of the profile."""
        return shown(self.core.profile.name)

    @property
    def on_sandbox(self) -> bool:
        """Whether the profile is a sandbox."""
        return self.core.profile.sandbox

    @property
    def readonly(self) -> bool:
        """Whether every change is refused."""
        return self.core.readonly or self.core.data.stuck is not None

    @property
    def customers(self) -> CustomerRepository:
        """Customers, marks and views of the profile."""
        if self._customers is None:
            from tui.mirror_customers import MirrorCustomers

            self._customers = MirrorCustomers(self.core)
        return self._customers

    def why_no_write(self) -> str:
        """Why nothing may be changed at WeCom, "" when it may."""
        if not self.readonly:
            return ""
        if self.core.notices:
            return self.core.notices[0]
        return _("This is read-only: start without --read-only, or ask who set the profile so.")

    # -- going ---------------------------------------------------------------------------------

    def opener(self, spec: ScreenSpec) -> Callable[[], object]:
        """A call that opens `spec` as its key does; the same every time, as bars want it."""
        return self._openers.setdefault(spec.name, partial(self.action_go, spec.name))

    def go(self, name: str, target: str = "") -> None:
        """Open a screen, with something to show there (a filter, an id); Esc leads back here."""
        screen = self.base_screen
        place = screen.place()
        if not self._open(name):
            return
        if name != screen.NAME:
            self._trail.append((screen.NAME, place))
            del self._trail[:-TRAIL]
        self.base_screen.call_later(self.base_screen.arrive, target)

    def _open(self, name: str) -> bool:
        """Show a screen; False when it is a stranger's that failed."""
        if name not in self.specs:
            return False
        if not self._screen_stacks.get(name):
            try:
                self._made[name] = self.specs[name].open()
            except Exception as error:
                if not self._do_without(error, name):
                    raise
                return False
        while len(self.screen_stack) > 1:
            self.pop_screen()
        self.switch_mode(name)
        return True

    def _opened(self, spec: ScreenSpec) -> Any:
        """The screen for a mode that begins."""
        return self._made.pop(spec.name, None) or spec.open()

    def action_go(self, name: str) -> None:
        """A number key: somewhere else altogether, not one step further."""
        if len(self.screen_stack) == 1:
            self.go(name)
            self._trail.clear()

    @property
    def linked(self) -> bool:
        """Whether one came here from another screen, by what was under the cursor there."""
        return bool(self._trail)

    def back(self) -> bool:
        """To the screen one came from, as it was; False when there is none."""
        if not self._trail:
            return False
        name, place = self._trail.pop()
        if not self._open(name):
            return self.back()
        self.base_screen.call_later(self.base_screen.return_to, place)
        return True

    def change_profile(self, name: str) -> None:
        """End this profile's screens; whoever runs them opens those of the other."""
        self.next_profile = name
        self.exit()

    @property
    def base_screen(self) -> AppScreen:
        """The screen below all windows."""
        screen = self._screen_there
        assert screen is not None
        return screen

    @property
    def _screen_there(self) -> AppScreen | None:
        """The same; None while the application begins or ends."""
        screen: object = self.screen_stack[0] if self.screen_stack else None
        return screen if isinstance(screen, AppScreen) else None

    @property
    def _screen_composed(self) -> AppScreen | None:
        """The same; None also while it is not composed yet (it will read all there is), and while
        all is taken down, when a screen is there without its widgets."""
        screen = self._screen_there if self.is_running else None
        return screen if screen is not None and screen.is_mounted else None

    def shops(self) -> dict[int, Shop]:
        """Department id → what the notebook knows of the shop (background)."""
        from storeops.notebook.stores import list_shops

        return {each.department_id: each for each in list_shops(self.core.data)}

    def run(self, *args: Any, **options: Any) -> None:
        """Show the screens until somebody leaves, in a process that has nothing else to do."""
        with seldom_collected() as self.begun:
            return super().run(*args, **options)

    def on_mount(self) -> None:
        """Begin to look at the mirror's revision."""
        self.call_after_refresh(self._begin)

    def _begin(self) -> None:
        for text in self.core.notices:  # of a file that can only be read now
            self.notify(text, severity="warning", timeout=20.0)
        self.look()
        self.set_interval(LOOK_EVERY, self.look)
        self.begun()

    def look(self) -> None:
        """Ask for freshness, limits and revision; a new revision refreshes the screen."""
        self.background("reads").submit(
            self.status_poller.poll, self._looked, self._look_failed, key="status"
        )

    def sync_moved(self) -> None:
        """The sync of this process is further: whoever shows it hears of it."""
        if (screen := self._screen_composed) is not None:
            screen.sync_moved()

    def jobs_moved(self) -> None:
        """The worker of this process is further, began or ended."""
        if (screen := self._screen_composed) is not None:
            screen.jobs_moved()

    def sync_ended(self) -> None:
        """The sync of this process has ended, one way or the other."""
        if (screen := self._screen_composed) is not None:
            screen.sync_ended()

    def _looked(self, snapshot: StatusSnapshot) -> None:
        if not self.syncing.running and (odd := self.core.odd_sentence()):
            self.notify(odd, severity="warning")  # of jobs, watches …: once, as in commands
        before, self.revision = self.revision, snapshot.revision
        screen = self._screen_composed
        if screen is None:
            return
        screen.paint_status()
        if before and snapshot.revision != before:
            screen.mirror_changed()
        elif before and snapshot.written:
            screen.others_wrote()

    def _look_failed(self, error: Exception) -> None:
        if known(error, self.core.data.path) is None:
            self.failed(error)

    # -- keys ----------------------------------------------------------------------------------

    async def on_event(self, event: events.Event) -> None:
        """Take keys one after another; everything else as it comes."""
        if isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded:
            await self._keys.take(event)
        else:
            await super().on_event(event)

    async def _hand_on(self, event: events.Key | events.Paste) -> None:
        """Take the full-width equivalents of keys, wherever no text is typed."""
        if isinstance(event, events.Key) and not isinstance(self.focused, (Input, TextArea)):
            meant = None if event.character is None else ascii_equivalent(event.character)
            if meant is not None:
                event = events.Key("space" if meant == " " else _key_name(meant), meant)
            self._answer_stray(event)
        await super().on_event(event)

    def _answer_stray(self, event: events.Key) -> None:
        """Say that a key has no meaning on this screen, and which one may have been meant.

        What an input method commits begins a filter; keys that move a cursor are held down.
        """
        typed = event.character or ""
        if typed.isascii() and typed.isprintable() and typed:
            name = typed
        elif event.key.startswith("ctrl+") or event.key[1:].isdigit():  # f4
            name = caption(event.key)
        else:
            return
        if len(self.screen_stack) == 1 and event.key not in self.screen.active_bindings:
            self.notify(self.base_screen.stray(name), severity="warning")

    # -- workers ---------------------------------------------------------------------------------

    def background(self, name: str) -> BackgroundWorker:
        """The background thread called `name`; made when first asked for."""
        worker = self._background.get(name)
        if worker is None:
            worker = self._background[name] = BackgroundWorker(
                f"storeops-{name}", self._later, closing=self._close_connections
            )
        return worker

    def _later(self, callback: Callable[..., Any], *args: Any) -> bool:
        """`call_later`, which a fault of a stranger's screen does not end."""
        return self.call_later(self._careful, callback, *args)

    def _careful(self, callback: Callable[..., Any], *args: Any) -> None:
        try:
            callback(*args)
        except Exception as error:
            screen = self._screen_there
            if not self._do_without(error, screen.NAME if screen else ""):
                raise

    def _close_connections(self) -> None:
        for database in (self.core.data, self.core.run):
            database.close_thread()

    @property
    def busy(self) -> bool:
        """Whether a worker has work, or a key waits."""
        return self._keys.busy or any(worker.busy for worker in self._background.values())

    def on_unmount(self) -> None:
        """End the workers."""
        for worker in self._background.values():
            worker.close()

    # -- notices -------------------------------------------------------------------------------

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: SeverityLevel = "information",
        timeout: float | None = None,
        markup: bool = False,
        steps: tuple[str, ...] = (),
    ) -> None:
        """A notice, as plain text; one that is still shown is not shown twice but counted.

        Args:
            message: what happened; may hold a stranger's words.
            title: of the notice.
            severity: information | warning | error.
            timeout: seconds that it stays; by severity when None.
            markup: whether `message` is markup.
            steps: what to do next, one line each.
        """
        text = "\n".join([shown(message), *(f"→ {shown(step)}" for step in steps if step)])
        stay = timeout or {"information": 4.0, "warning": 8.0, "error": 20.0}[severity]
        times = 1
        for each in list(self._notifications):
            same, before = self._notices.get(each.identity, ("", 0))
            if same == text:
                times += before
                self._unnotify(each)
        shown_text = f"{text} (×{times:,})" if times > 1 else text
        width = min(NOTICE, self.size.width - 10)  # cells; Textual would break it at blanks alone
        shown_text = "\n".join(wrap(shown_text, max(20, width)))
        notice = Notification(shown_text, title, severity, stay, markup=markup)
        living = {each.identity for each in self._notifications}
        self._notices = {key: each for key, each in self._notices.items() if key in living}
        self._notices[notice.identity] = text, times
        self._notifications.add(notice)
        self._refresh_notifications()

    def _refresh_notifications(self) -> None:
        """Also take away what held notices that are gone: Textual takes the notice alone when a
        screen comes back, so that a day of notices would leave a widget each on every screen."""
        super()._refresh_notifications()
        for holder in self.screen.query(ToastHolder) if self.screen_stack else ():
            if holder.is_mounted and not holder.children:
                holder.remove()

    def failed(self, error: Exception) -> None:
        """What a person can act on becomes a notice with its next steps; a bug ends all this."""
        found = known(error, self.core.data.path)
        if found is None:
            raise error
        others = [step for step in found.next_steps if step not in found.hint]
        self.notify(found.message, severity="error", steps=(found.hint, *others[:2]))

    def copy(self, text: str, what: str) -> None:
        """Put `text` on the clipboard (OSC 52: through ssh and tmux too) and name `what` it was."""
        self.copy_to_clipboard(text)
        self.notify(_("Copied to the clipboard: {what}.").format(what=what))

    def toggle_theme(self) -> None:
        """Dark, light, plain, and around again."""
        names = [theme.name for theme in THEMES]
        self.theme = names[(names.index(self.theme) + 1) % len(names)]
        self.set_class(self.theme == PLAIN.name, "plain")

    # -- crashes -------------------------------------------------------------------------------

    def _handle_exception(self, error: Exception) -> None:
        """A fault of a stranger's screen costs that screen; any other ends the application.

        It is none when all is taken down while a screen is being opened, and the screen looks for
        widgets that it does not get any more.
        """
        if (self._exit or not self.is_running) and isinstance(error, _NOT_THERE):
            return
        screen = self._screen_there
        if not self.is_running or not self._do_without(error, screen.NAME if screen else ""):
            super()._handle_exception(error)

    def _do_without(self, error: Exception, name: str) -> bool:
        """Leave out the screens of another package's domain that failed, and say so.

        Args:
            error: what it raised.
            name: the screen that is shown, or is to be.

        Returns:
            Whether it was such a domain's.
        """
        found = registry().at_fault(error) or registry().stranger_of(name)
        if found is None or found.domain is None:
            return False
        if found.name in self._left_out:  # what is left of it while it goes
            return True
        names = {spec.name for spec in found.domain.screens} & self.specs.keys()
        if not names or len(names) == len(self.specs) or self.DEFAULT_MODE in names:
            return False
        self._left_out.add(found.name)
        with guarded(found.domain) as part:  # into the log
            raise error
        self.notify(part.sentence(), severity="error")
        for each in names:
            del self.specs[each]
            self.used.discard(each)
        self._trail = [step for step in self._trail if step[0] not in names]
        self.call_later(self._go_from, names)
        return True

    def _go_from(self, names: set[str]) -> None:
        """To the first screen, when one of these is shown."""
        if self.current_mode in names:
            self._open(str(self.DEFAULT_MODE))

    def _fatal_error(self) -> None:
        """A bug: leave the full screen; the caller raises `crash`, which goes to the log."""
        if isinstance(self._exception, Exception):
            self.crash = self._exception
        self._close_messages_no_wait()


_NAMED = {
    "/": "slash", ":": "colon", "?": "question_mark", ".": "full_stop", ",": "comma",
    "[": "left_square_bracket", "]": "right_square_bracket", "*": "asterisk", "+": "plus",
    "-": "minus", "!": "exclamation_mark", "#": "number_sign", "@": "at", "$": "dollar_sign",
}  # fmt: skip


def _key_name(character: str) -> str:
    return _NAMED.get(character, character)
