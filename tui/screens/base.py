"""What all screens share: the frame, keys with reasons, work in the background, notices."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING, ClassVar, TypeVar, cast

from textual import events, on
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.screen import Screen
from textual.widget import Widget

from storeops.domain import ScreenSpec
from storeops.i18n import _
from tui.background import BackgroundTask, BackgroundWorker
from tui.keys import COMMON, Key, caption
from tui.widgets.bars import Bar, Piece
from tui.widgets.panes import Pane
from tui.widgets.tab_bar import Entry, TabBar
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from tui.app import StoreOpsApp
    from tui.modals.base import BaseModal

T = TypeVar("T")
FRAMED = (100, 30)  # cells and lines from which panes have frames all around


class ScreenPart:
    """One responsibility of a screen: what some of its keys do (`do_<action>`), and why not.

    Args:
        screen: what reads and works in the background for it, and shows windows and notices.
    """

    def __init__(self, screen: BaseScreen) -> None:
        self.screen = screen

    @property
    def app(self) -> StoreOpsApp:
        """The application."""
        return self.screen.app

    def why_not(self, action: str) -> str:
        """Why `action` is disabled now, "" when it is not, or not of this part."""
        return ""

    def others_wrote(self) -> None:
        """Something but facts was written, here or by another process."""

    def jobs_moved(self) -> None:
        """The worker of this process is further, began or ended."""

    def came_back(self) -> None:
        """The screen is in front again."""


class BaseScreen(Screen[None]):
    """A screen of the application.

    A subclass names its `KEYS`; the key of action `export` calls `do_export` of the screen or of
    one of its parts, unless `why_not("export")` gives a reason, which is then shown instead.

    Attributes:
        NAME: of its mode, as its `ScreenSpec` says.
        FIRST: id of the list that has the keys at first; "" for none.
        WORDS: whether one can come with words that narrow what it shows (`arrive`).
        parts: what the screen is composed of beside its widgets.
    """

    KEYS: ClassVar[tuple[Key, ...]] = ()
    NAME: str = ""
    FIRST: ClassVar[str] = ""
    WORDS: ClassVar[bool] = False

    app: StoreOpsApp  # Textual's, typed

    def __init__(self) -> None:
        super().__init__()
        self._seen_revision = -1
        self._was_there = False
        self._performers: dict[str, Callable[[], object]] = {}
        self._zoomed: list[Widget] = []  # the pane that has the whole screen, and what is around it
        self.parts: tuple[ScreenPart, ...] = ()
        for key in self.all_keys():
            if key.action and key.keys:
                self._bindings.bind(key.keys, f"do('{key.action}')", _(key.label), show=False)

    @classmethod
    def all_keys(cls) -> tuple[Key, ...]:
        """All keys of this screen, its own first."""
        return (*cls.KEYS, *COMMON)

    @property
    def spec(self) -> ScreenSpec:
        """This screen's spec."""
        return self.app.specs[self.NAME]

    # -- frame ---------------------------------------------------------------------------------

    def compose(self) -> ComposeResult:
        """The frame around the body."""
        self.fold(self.app.size)  # before anything is laid out, and painted, the other way
        yield TabBar(id="tabs")
        yield Bar(id="crumbs")
        yield from self.body()
        yield Bar(id="status")
        yield Bar(id="footer")

    def body(self) -> Iterable[Widget]:
        """The widgets of the screen."""
        raise NotImplementedError

    def crumbs(self) -> list[str]:
        """Where we are, below the screen's title; each already `shown`."""
        return []

    def on_mount(self) -> None:
        """Paint the frame; the screen's own `ready` comes after it."""
        self.paint_frame()
        self.ready()

    def ready(self) -> None:
        """Load what the screen shows for the first time."""
        if self.FIRST:
            self.listing(self.FIRST).focus()
        self.read_again()

    def read_again(self) -> None:
        """Read the mirror again, keeping cursor and marks."""

    def arrive(self, target: str) -> None:
        """Somebody came here for something, for example a filter; "" for nothing."""

    def place(self) -> object:
        """What `return_to` needs to show the same again, though somebody came for something."""
        return None

    def return_to(self, place: object) -> None:
        """Back from another screen: `place` is what `place()` gave when it was left."""

    def on_screen_resume(self, event: events.ScreenResume) -> None:
        """Back again: show what changed meanwhile."""
        self.paint_frame()
        if self._seen_revision != self.app.revision:
            if self._seen_revision >= 0:
                self.read_again()
            self._seen_revision = self.app.revision
        if self._was_there:
            for part in self.parts:
                part.came_back()
        self._was_there = True

    def mirror_changed(self) -> None:
        """The mirror has a new revision while this screen is shown."""
        self._seen_revision = self.app.revision
        self.read_again()

    def others_wrote(self) -> None:
        """Something but facts was written, here or by another process: marks, drafts, plans."""
        for part in self.parts:
            part.others_wrote()

    def sync_moved(self) -> None:
        """The sync of this process has begun or is further."""

    def jobs_moved(self) -> None:
        """The worker of this process is further, began or ended."""
        for part in self.parts if self.is_mounted else ():
            part.jobs_moved()

    def sync_ended(self) -> None:
        """The sync of this process has ended; by default only a new revision is of interest."""

    # -- lists ---------------------------------------------------------------------------------

    def listing(self, name: str) -> VirtualList:
        """A list by its id."""
        return self.query_one(f"#{name}", VirtualList)

    def pane(self, name: str) -> Pane:
        """The pane around a list."""
        return self.query_one(f"#{name}-pane", Pane)

    def list_workers(self, name: str = "") -> tuple[BackgroundWorker, BackgroundWorker]:
        """Reader and counter of a list; lists of one worker would drop each other's reads."""
        return self.app.background(f"rows{name}"), self.app.background(f"counts{name}")

    @on(VirtualList.Failed)
    def _list_failed(self, event: VirtualList.Failed) -> None:
        self.list_failed(event.error)

    def list_failed(self, error: Exception) -> None:
        """Rows could not be read."""
        self.app.failed(error)

    def list_with_keys(self) -> VirtualList:
        """The list in which one jumps to a row."""
        return self.listing(self.FIRST)

    def do_jump(self) -> None:
        """To a row by number."""
        from tui.modals.jump import JumpModal

        rows = self.list_with_keys()

        def then(position: int | None) -> None:
            if position is not None:
                rows.go_to(position)

        self.open_window(JumpModal(rows.total), then)

    # -- the frame, painted --------------------------------------------------------------------

    def on_resize(self, event: events.Resize) -> None:
        """The window has another size: fold panes away or unfold them."""
        self.fold(event.size)
        self.fill()
        self.paint_frame()

    def fill(self) -> None:
        """Fill the panes that were unfolded."""

    def fold(self, size: Size) -> None:
        """Say by classes for which panes there is room in so many cells and lines."""
        width, height = FRAMED
        self.app.set_class(size.width >= width and size.height >= height, "framed")

    def paint_frame(self) -> None:
        """Tabs, breadcrumb, status and footer anew."""
        if not self.is_mounted:
            return
        app = self.app
        tabs = [
            Entry(spec.key, _(spec.title), spec.name == self.NAME, app.opener(spec))
            for spec in app.specs.values()
            if spec.name in app.used or spec.name == self.NAME
        ]
        self.query_one(TabBar).put(tabs, self.size.width, self.do_go)
        trail = " › ".join([app.profile_name, _(self.spec.title), *self.crumbs()])
        self.query_one("#crumbs", Bar).set([Piece(" " + trail)], self.signs())
        self.paint_status()
        always = ("help", "menu")
        keys = {key.action: key for key in self.all_keys() if key.action}
        left = [key for key in self.footer_keys() if key.action not in always]
        self.query_one("#footer", Bar).set(
            self._buttons(left), self._buttons([keys[action] for action in always])
        )

    def _buttons(self, keys: Sequence[Key]) -> list[Piece]:
        pieces = []
        for key in keys:
            call = self._performer(key.action)
            pieces.append(Piece(f" {key.first}", "key", call, leads=True))
            pieces.append(Piece(f" {self.label_of(key)} ", "", call))
        return pieces

    def label_of(self, key: Key) -> str:
        """What a key does now, in a word or two."""
        return _(key.label)

    def footer_keys(self) -> list[Key]:
        """What can be done now: the verbs of the moment first, then whatever there is room for."""
        keys = {key.action: key for key in self.all_keys() if key.action}
        common = {key.action for key in COMMON}
        wanted = [
            *(keys[action] for action in self.moment() if action in keys),
            *(key for key in keys.values() if key.footer),
            *(key for key in keys.values() if key.action not in common),
            *(key for key in keys.values() if key.action in common),
        ]
        first = dict.fromkeys(key.action for key in wanted if key.first)
        return [keys[action] for action in first if not self.why_not(action)]

    def moment(self) -> Sequence[str]:
        """Actions that what is marked, drafted or under the cursor asks for, likeliest first."""
        return ()

    def signs(self) -> list[Piece]:
        """Warnings at the right of the breadcrumb."""
        signs = []
        if self.app.on_sandbox:
            signs.append(Piece(" " + _("sandbox") + " ", "place"))
        if self.app.readonly:
            signs.append(Piece(" " + _("read-only") + " ", "warn"))
        return signs

    def paint_status(self) -> None:
        """The line of freshness and limits."""
        for bar in self.query("#status").results(Bar):  # none while the screen comes or goes
            bar.set(self.app.status_poller.left(), self.status_right())

    def status_right(self) -> list[Piece]:
        """What this screen adds at the right of the status line."""
        return self.app.status_poller.right()

    def _performer(self, action: str) -> Callable[[], object]:
        """The same for an action every time: bars that say the same are not painted again."""
        return self._performers.setdefault(action, partial(self.perform, action))

    # -- keys ----------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """Why `action` is disabled now, "" when it is not; shown in help, menu and notice."""
        return next((why for part in self.parts if (why := part.why_not(action))), "")

    def action_do(self, action: str) -> None:
        """A key was pressed."""
        self.perform(action)

    def perform(self, action: str) -> None:
        """Do `action`, or say why not."""
        reason = self.why_not(action)
        if reason:
            self.app.notify(reason, severity="warning")
            return
        self.call_of(action)()

    def stray(self, letter: str) -> str:
        """What to say of a key that means nothing here; a letter may begin a verb's name."""
        meant = [
            f"{key.first} {self.label_of(key)}"
            for key in self.all_keys()
            if key.action and key.label.lower().startswith(letter.lower())
        ]
        if meant:
            return _("{letter} does nothing here; perhaps: {keys}. ? shows all keys.").format(
                letter=letter, keys=_(", ").join(meant[:3])
            )
        return _("{letter} does nothing here; ? shows all keys.").format(
            letter=caption("space") if letter == " " else letter
        )

    def call_of(self, action: str) -> Callable[[], object]:
        """What does `action`: a method of the screen or of one of its parts."""
        name = f"do_{action}"
        doer = next((each for each in self.parts if hasattr(each, name)), self)
        return cast("Callable[[], object]", getattr(doer, name))

    def confirm(
        self,
        title: str,
        text: str,
        yes: Callable[[], object],
        keys: tuple[str, ...] = ("y", "enter"),
    ) -> None:
        """Ask; `yes` is called only on an explicit yes, by one of `keys`."""
        from tui.modals.ask import AskModal

        def then(answer: bool | None) -> None:
            if answer:
                yes()

        self.open_window(AskModal(title, text, keys), then)

    def open_window(
        self, window: BaseModal[T], then: Callable[[T | None], None] | None = None
    ) -> bool:
        """Open a window over this screen; False where one has gone to another meanwhile.

        What is asked after some reading would stand over a screen that shows something else.
        """
        if self.app.base_screen is not self:
            return False
        self.app.push_screen(window, then)
        return True

    def open_text(self, title: str, content: Content) -> None:
        """A text to read in a window; `title` is already `shown`."""
        from tui.modals.text import TextModal

        self.open_window(TextModal(title, content))

    def show_customer(self, external_userid: str, name: str) -> None:
        """The card of a customer in a window."""
        self.read(
            lambda: self.app.customers.card(external_userid),
            lambda content: self.open_text(name, content),
            key="card",
        )

    def do_help(self) -> None:
        """Explain the keys."""
        from tui.modals.help import HelpModal

        self.open_window(HelpModal(self, self.app.specs.values(), self.size.width))

    def do_menu(self) -> None:
        """All actions as a menu."""
        from tui.modals.menu import MenuModal

        def then(action: str | None) -> None:
            if action:
                self.perform(action)

        self.open_window(MenuModal(self), then)

    def do_go(self) -> None:
        """Go anywhere."""
        from tui.modals.go import GoModal

        self.open_window(GoModal(self))

    def do_refresh(self) -> None:
        """Read the mirror again."""
        self.app.look()
        self.read_again()
        self.app.notify(_("Read again from the mirror."), severity="information", timeout=2)

    def do_theme(self) -> None:
        """Light or dark."""
        self.app.toggle_theme()

    def do_quit(self) -> None:
        """Leave, after asking."""
        self.confirm(
            _("Leave storeops?"),
            _("Marks, notes and draft plans are kept. Press q or Enter to leave."),
            self.app.exit,
            keys=("q", "enter"),
        )

    def do_zoom(self) -> None:
        """The pane that has the keys over the whole screen, or all panes again."""
        if self._zoomed:
            self._zoom_out()
            return
        pane = self.focused
        while pane is not None and not isinstance(pane, Pane):
            pane = cast("Widget | None", pane.parent)
        if pane is None or len([each for each in self.query(Pane) if each.display]) < 2:
            self.app.notify(_("There is one pane only."))
            return
        inner: Widget = pane
        while isinstance(around := inner.parent, Widget) and around is not self:
            inner.add_class("zoomed")
            for other in around.children:
                other.set_class(other is not inner, "aside")
            self._zoomed.append(inner)
            inner = around

    def _zoom_out(self) -> None:
        for inner in self._zoomed:
            inner.remove_class("zoomed")
            for other in inner.parent.children if inner.parent is not None else ():
                other.remove_class("aside")
        self._zoomed.clear()

    def do_back(self) -> None:
        """Out of the zoom; one step back; to where one came from; at last to Today."""
        if self._zoomed:
            self._zoom_out()
            return
        if not self.step_back() and not self.app.back() and self.NAME != "today":
            self.app.action_go("today")

    def step_back(self) -> bool:
        """Leave what is open inside this screen; False when nothing was."""
        return False

    def command_line(self) -> str:
        """The command that shows the same as this screen."""
        return f"storeops {self.NAME}"

    def do_command(self) -> None:
        """Show that command."""
        from tui.modals.command import CommandModal

        self.open_window(CommandModal(self.command_line()))

    # -- work ----------------------------------------------------------------------------------

    def read(
        self,
        work: Callable[[], T],
        done: Callable[[T], None],
        *,
        key: str = "",
        stop: Callable[[], None] | None = None,
    ) -> BackgroundTask[T]:
        """Read something in the background; errors become notices.

        Args:
            work: runs in the background, may touch the databases.
            done: takes the result on the screen's thread, unless the screen has gone.
            key: newer reads of a key replace older ones; "" uses none.
            stop: asks a running `work` to end early.
        """
        return self._submit("reads", work, done, key and f"{self.NAME}.{key}", stop)

    def work(
        self, work: Callable[[], T], done: Callable[[T], None], *, worker: str = "work"
    ) -> BackgroundTask[T]:
        """Do something that may take long or writes; one after the other per worker.

        Errors become notices.
        """
        return self._submit(worker, work, done, "", None)

    def _submit(
        self,
        worker: str,
        work: Callable[[], T],
        done: Callable[[T], None],
        key: str,
        stop: Callable[[], None] | None,
    ) -> BackgroundTask[T]:
        def settle(result: T) -> None:
            if self.is_mounted and self.app.is_running:  # nobody looks while all is taken down
                done(result)

        return self.app.background(worker).submit(work, settle, self.app.failed, key=key, stop=stop)
