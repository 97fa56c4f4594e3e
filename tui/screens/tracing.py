"""Tracing: a lot in the middle, what went into it above, what was made of it below."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import ClassVar

from textual import on
from textual.content import Content
from textual.widgets import Input

from storeops.domains.lots import gs1, trace
from storeops.domains.lots.gs1 import Thing
from storeops.domains.lots.places import places
from storeops.domains.lots.tree import BEFORE, BEHIND, PLACE, SELF, LotTree, TreeNode, newest, tree
from storeops.domains.lots.words import amount, states
from storeops.domains.orders import products
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _, ngettext
from storeops.times import minute, seconds_of
from tui.cells import shown
from tui.fields import fields
from tui.keys import LIST, LOOK, Key
from tui.screens.listing import ListScreen
from tui.widgets.panes import Pane
from tui.widgets.rows import Line, ListColumn

HISTORY = 12  # events of a lot on its card, the last ones
MARKS = {BEHIND: "▲", SELF: "●", BEFORE: "▼", PLACE: "·"}


class TracingScreen(ListScreen):
    """The newest lots; Enter on one shows its tree, and on a lot of the tree that one's."""

    SLOW_CARD: ClassVar[bool] = True
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list; a whole lot as GTIN/lot and Enter goes to it."), LOOK,
            footer=True),
        Key("walk", "w,f8", N_("Walk here"),
            N_("Put the lot under the cursor into the middle; Esc leads back."), LOOK,
            footer=True),
        Key("lots", "b,f4", N_("All lots"), N_("Back to the list of lots."), LOOK, footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK,
            footer=True),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._path: list[Thing] = []  # lots that were in the middle, the last one is
        self._tree: LotTree | None = None

    @property
    def middle(self) -> Thing | None:
        """The lot in the middle, None while lots are listed."""
        return self._path[-1] if self._path else None

    def columns(self) -> list[ListColumn]:
        """Of the list of lots, or of the tree: the lot at its depth, where, how much, when."""
        if self.middle is None:
            return [
                ListColumn("article", _("Article"), 14, 3, keep=8),
                ListColumn("lot", _("Lot"), 12, 2, keep=9),
                ListColumn("at", _("Began"), 16, keep=6),
                ListColumn("recall", _("Recall"), 14, 1, keep=7),
            ]
        return [
            ListColumn("lot", _("Lot"), 24, 3, keep=9),
            ListColumn("what", _("State of pieces"), 20, 4, keep=8),
            ListColumn("place", _("Place"), 10, 1, keep=6),
            ListColumn("at", _("Time"), 16, keep=5),
        ]

    def load(self) -> Sequence[Line]:
        """The tree, or the newest lots (background)."""
        db = self.app.core.data
        names = products.names(db)

        def article(thing: Thing) -> str:
            return shown(names.get(thing[0].lstrip("0"), thing[0]))

        middle = self.middle
        if middle is None:
            self._tree = None
            return [
                Line(
                    gs1.label(*thing),
                    (article(thing), shown(thing[1]), minute(at) if at else "",
                     "! " + _("called back") if called else ""),
                    "bad" if called else "",
                    thing,
                )
                for thing, at, called in newest(db)
            ]  # fmt: skip
        found = tree(db, middle)
        known = places(db, {each.place for each in found.nodes})
        called = {gs1.label(*thing) for thing, _at, now in newest(db) if now}
        words = states()
        rows = []
        for at, node in enumerate(found.nodes):
            name = shown((known[node.place].name or node.place) if node.place else "")
            here = node.kind == PLACE
            cells = (
                _branch(node, name if here else article(node.thing)),
                _what(node, words),
                "" if here else name,
                minute(node.at) if node.at else "",
            )
            rows.append(Line((at, gs1.label(*node.thing)), cells, self._tone(node, called), node))
        self._tree = found
        return rows

    @staticmethod
    def _tone(node: TreeNode, called: set[str]) -> str:
        if node.bad_papers or (gs1.label(*node.thing) in called and node.kind != PLACE):
            return "bad"
        return (
            "gone"
            if node.kind == PLACE and not set(node.states) - {trace.SOLD, trace.THROWN_AWAY}
            else ""
        )

    def read_again(self) -> None:
        """The tree or the list anew, with the headings and title of what it is."""

        def then(lines: Sequence[Line]) -> None:
            from tui.widgets.rows import TableRows

            self.rows = TableRows(lines)
            self.table.set_columns(self.columns())
            middle = self.middle
            title = shown(gs1.label(*middle)) if middle else _("Lots")
            self.query_one("#list-pane", Pane).entitle(title)
            self._show(stay=False)
            if self._tree is not None:
                here = next((at for at, each in enumerate(self._tree.nodes)
                             if each.kind == SELF), 0)  # fmt: skip
                self.table.go_to(here)
                if self._tree.doubts:
                    self.app.notify(self._tree.doubts[0], severity="warning", timeout=8)

        self.read(self.load, then, key="load")

    def card(self, line: Line) -> Content:
        """What is known of the lot, or of its pieces in a place."""
        db = self.app.core.data
        node = line.data if isinstance(line.data, TreeNode) else None
        thing = _thing(line)
        words = states()
        events = trace.history(db, thing)
        known = places(db, {each["place"] for each in events})
        if node is not None and node.kind == PLACE:
            events = [each for each in events if each["place"] == node.place]
        rows = [
            "  ".join(filter(None, (
                minute(seconds_of(each["at"])), words.get(each["state"], each["state"]),
                "" if each["qty"] is None else f"{each['qty']:g}",
                known[each["place"]].name or each["place"],
                _(", ").join(_paper(paper) for paper in trace.checked(db, each)),
            )))
            for each in events[-HISTORY:]
        ]  # fmt: skip
        return fields(
            line.cells[0].strip(),
            [
                (_("Lot"), gs1.label(*thing)),
                (_("Papers that do not hold"), _(", ").join(node.bad_papers) if node else ""),
                (_("Events"), "\n" + "\n".join(rows)),
            ],
        )

    def nothing(self) -> str:
        """Where lots come from."""
        return _("No lot is known; take events in: storeops lot import FILE")

    def arrive(self, target: str) -> None:
        """Come with a lot, as people write it."""
        if target:
            self.app_walk(target)

    def app_walk(self, text: str) -> None:
        """To a lot that somebody wrote; what is no lot is said."""
        try:
            thing = gs1.asked(text)
        except StoreOpsError as error:
            self.app.failed(error)
            return
        self._go(thing)

    def _go(self, thing: Thing) -> None:
        self._path.append(thing)
        self.query_one("#words", Input).value = ""
        self.read_again()

    @on(Input.Submitted, "#words")
    def _whole_lot(self, event: Input.Submitted) -> None:
        if "/" in event.value:
            self.app_walk(event.value)

    def thing_here(self) -> Thing | None:
        """The lot under the cursor."""
        line = self.table.line
        if line is None:
            return None
        return _thing(line)

    def enter(self, line: Line) -> None:
        """Enter on another lot walks there; on a place or the middle it shows the card."""
        thing = line.data if isinstance(line.data, tuple) else None
        if isinstance(line.data, TreeNode) and line.data.kind in (BEHIND, BEFORE):
            thing = line.data.thing
        if thing is not None:
            self._go(thing)
        else:
            super().enter(line)

    def name_of(self, line: Line) -> str:
        """The lot."""
        return line.cells[0].strip()

    def crumbs(self) -> list[str]:
        """How one came here, and how many lots of the tree are not shown."""
        cut = self._tree.cut if self._tree is not None else 0
        left = ngettext(
            "{count} more lot: storeops trace forward LOT",
            "{count} more lots: storeops trace forward LOT", cut,
        ).format(count=f"{cut:,}")  # fmt: skip
        path = (shown(each[1] or each[0]) for each in self._path[-4:])
        return [*path, *super().crumbs(), *([left] if cut else [])]

    def why_not(self, action: str) -> str:
        """One cannot walk to where one is."""
        if action == "lots" and self.middle is None:
            return _("These are all lots.")
        if action == "walk":
            thing = self.thing_here()
            if thing is None:
                return _("The list is empty.")
            if thing == self.middle:
                return _("This lot is in the middle already.")
        return super().why_not(action)

    def do_walk(self) -> None:
        """The lot under the cursor into the middle."""
        thing = self.thing_here()
        if thing is not None:
            self._go(thing)

    def do_lots(self) -> None:
        """The list of lots."""
        self._path = []
        self.read_again()

    def do_copy(self) -> None:
        """The lot as commands take it."""
        thing = self.thing_here()
        if thing is not None:
            self.app.copy(gs1.label(*thing), _("the id"))

    def step_back(self) -> bool:
        """From the words to the list, then to the lot one came from."""
        if super().step_back():
            return True
        if self._path:
            self._path.pop()
            self.read_again()
            return True
        return False

    def command_line(self) -> str:
        """The command that says the same of the lot in the middle."""
        middle = self.middle
        return (
            f"storeops trace forward {shlex.quote(gs1.label(*middle))}"
            if middle
            else "storeops trace recall list"
        )


def _thing(line: Line) -> Thing:
    """The lot of a row of the list or of the tree."""
    if isinstance(line.data, TreeNode):
        return line.data.thing
    assert isinstance(line.data, tuple)
    return line.data


def _branch(node: TreeNode, name: str) -> str:
    """A lot or a place at its depth: the farther from the middle, the farther right."""
    text = "  " * node.depth + f"{MARKS[node.kind]} {name}"
    if node.kind == PLACE:
        return text
    return f"{text} {shown(node.thing[1])}{' !' if node.bad_papers else ''}"


def _what(node: TreeNode, words: dict[str, str]) -> str:
    """How many pieces are in which state."""
    if node.kind == PLACE:
        return _(", ").join(
            f"{words[state]} {'?' if qty is None else f'{qty:,g}'}"
            for state, qty in node.states.items()
        )
    if node.qty is None:
        return ""
    return f"{words['made']} {amount(node.qty, node.unit)}"


def _paper(paper: dict[str, str]) -> str:
    return f"{paper['number']}{' ✗' if paper['state'] == 'error' else ''}"
