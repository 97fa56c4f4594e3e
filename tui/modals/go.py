"""Go anywhere: a few letters of a screen, an action, a person, a shop, a tag, a plan …"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option

from storeops.domain import load
from storeops.i18n import _
from storeops.plain import fit, pad
from tui.cells import shown
from tui.destinations import Destination, destinations, matching_customers
from tui.keys import KeyedScreen
from tui.modals.base import BaseModal

if TYPE_CHECKING:
    from storeops.domain import ScreenSpec
    from tui.app import StoreOpsApp

MOST = 60  # entries shown at once
LOOSE = 300  # points of a target that only has the letters, in their order
LETTERS = 2  # Latin letters from which customers are looked for; one Chinese character is enough
REST = 0.15  # seconds without a key before customers are looked for


def score(words: str, target: Destination) -> int:
    """How well `words` name `target`; 0 not at all. All letters in order, best at the beginning."""
    if not words:
        return 1
    text = f"{target.name} {target.note}".casefold()
    if text.startswith(words):
        return 1000 - len(target.name)
    if words in text:
        return 600 - text.index(words)
    at = -1
    for letter in words.replace(" ", ""):
        at = text.find(letter, at + 1)
        if at < 0:
            return 0
    return max(1, 300 - at)


class GoModal(BaseModal[None]):
    """The go-anywhere window over `screen`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,ctrl+n", "step(1)", show=False, priority=True),
        Binding("up,ctrl+p", "step(-1)", show=False, priority=True),
        Binding("f2", "leave", show=False),
    ]

    def __init__(self, screen: KeyedScreen) -> None:
        super().__init__(_("Go to"))
        self._screen = screen
        self._targets: list[Destination] = []
        self._people: list[Destination] = []  # customers whom the words find
        self._found: list[Destination] = []
        self._rest: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """A line to type in, and what it finds."""
        yield Input(placeholder=_("screen, action, customer, member, shop, tag, plan, profile …"))
        yield OptionList()

    def on_mount(self) -> None:
        """Screens and actions at once; what lies in the database a moment later."""
        self._targets += [
            Destination(_("screen"), _(spec.title), f"{spec.key} {spec.name}", _opener(spec.name))
            for spec in self.app.specs.values()
        ]
        self._targets += [
            Destination(_("action"), _(key.label), key.caption, _caller(self._screen, key.action))
            for key in self._screen.all_keys()
            if key.action and key.action != "go"
        ]
        self._show("")
        core = self.app.core
        self._read(lambda: destinations(core), self._more, "destinations")

    def _read(
        self,
        work: Callable[[], list[Destination]],
        done: Callable[[list[Destination]], None],
        key: str,
    ) -> None:
        self.app.background("reads").submit(work, done, self.app.failed, key=key)

    def _more(self, targets: list[Destination]) -> None:
        if self.is_open:
            self._targets += targets
            self._show(self.query_one(Input).value)

    def _find(self, words: str) -> None:
        """Look for customers, once nobody has typed for a moment."""
        customers = self.app.customers

        def then(targets: list[Destination]) -> None:
            if self.is_open and self.query_one(Input).value == words:
                self._people = targets
                self._show(words)

        self._read(lambda: matching_customers(customers, words), then, "people")

    def _show(self, words: str) -> None:
        wanted = shown(words).strip().casefold()
        scored = [(score(wanted, target), at) for at, target in enumerate(self._targets)]
        best = sorted((each for each in scored if each[0]), key=lambda each: (-each[0], each[1]))
        sure = [at for points, at in best if points > LOOSE][:MOST]
        loose = [at for points, at in best if points <= LOOSE][: MOST - len(sure)]
        everybody = [self._within(self.app.specs["customers"], words)] if self._people else []
        self._found = [*self._narrowed(words), *(self._targets[at] for at in sure), *self._people,
                       *everybody, *(self._targets[at] for at in loose)]  # fmt: skip
        options = self.query_one(OptionList)
        options.clear_options()
        options.add_options(
            Option(
                Content.assemble(
                    (pad(fit(target.kind, 8), 9), "$text-muted"),
                    pad(fit(target.name, 34), 35),
                    (fit(target.note, 26), "$text-muted"),
                )
            )
            for target in self._found
        )
        if self._found:
            options.highlighted = 0
        else:
            nothing = _("Nothing and nobody is called so.")
            options.add_option(Option(Content.styled(nothing, "$text-muted"), disabled=True))

    def _narrowed(self, words: str) -> list[Destination]:
        """`customers 王 #金卡`, `2 王`, `标签 客户等级`: a screen, narrowed by what follows it."""
        head, _blank, rest = words.strip().partition(" ")
        return [
            self._within(spec, rest)
            for spec in self.app.specs.values()
            if rest.strip()
            and (head == spec.key or head.casefold() in (spec.name, _(spec.title).casefold()))
            and load(spec.screen).WORDS
        ]

    def _within(self, spec: ScreenSpec, words: str) -> Destination:
        where = shown(words).strip()
        return Destination(_("filter"), f"{_(spec.title)} › {where}", "",
                           lambda app: app.go(spec.name, where))  # fmt: skip

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typed: look again; for customers a moment later."""
        self._people = []
        self._show(event.value)
        if self._rest is not None:
            self._rest.stop()
        words = event.value
        if len(words.strip()) >= LETTERS or not words.isascii():
            self._rest = self.set_timer(REST, lambda: self._find(words))

    def action_step(self, step: int) -> None:
        """Up and down while typing."""
        options = self.query_one(OptionList)
        if self._found:
            options.highlighted = ((options.highlighted or 0) + step) % len(self._found)

    def on_input_submitted(self) -> None:
        """Enter: go to the one highlighted."""
        at = self.query_one(OptionList).highlighted
        if at is not None and at < len(self._found):
            self._go(self._found[at])

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Clicked."""
        self._go(self._found[event.option_index])

    def _go(self, target: Destination) -> None:
        self.dismiss(None)
        self.app.call_later(target.go, self.app)

    def hint(self) -> str:
        """What to press."""
        return _("↑ ↓ choose · Enter goes there · Esc leaves.")


def _opener(name: str) -> Callable[[StoreOpsApp], object]:
    return lambda app: app.action_go(name)


def _caller(screen: KeyedScreen, action: str) -> Callable[[StoreOpsApp], object]:
    return lambda _app: screen.perform(action)
