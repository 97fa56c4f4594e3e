"""Audit: who changed what, when and why; and the proof that nothing of it is missing."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

from textual import on
from textual.containers import Horizontal
from textual.content import Content
from textual.geometry import Size
from textual.widget import Widget
from textual.widgets import Input

from storeops.changes.action import kind_title
from storeops.changes.journal_search import Search, understand
from storeops.i18n import N_, _, ngettext, said
from storeops.terms import term
from storeops.times import minute, second
from tui.cells import shown
from tui.fields import fields, title
from tui.keys import DO, LIST, LOOK, Key
from tui.names import NameLookup
from tui.plan_words import row_status
from tui.position_rows import PositionRows
from tui.screens.base import BaseScreen
from tui.screens.ledger import LedgerWatch
from tui.widgets.panes import ListPane, Pane, TextPane
from tui.widgets.rows import Line, ListColumn
from tui.widgets.virtual_list import VirtualList

if TYPE_CHECKING:
    from storeops.changes.journal_lines import JournalEntry
    from storeops.changes.verify import Proof

WIDE = 130  # cells from which the line under the cursor stands beside the list


class AuditScreen(BaseScreen):
    """The journal, newest first."""

    FIRST: ClassVar[str] = "list"
    WORDS: ClassVar[bool] = True
    CSS_PATH = Path(__file__).with_name("audit.tcss")
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Only lines of a plan, a kind (plan.applied, row.answer), a person or a customer; "
               "plan: kind: who: customer: say which is meant."), LOOK, footer=True),
        Key("open", "", N_("Details"), N_("The whole line, with before and after."), LOOK,
            footer=True, shown="Enter"),
        Key("verify", "V,f8", N_("Verify"),
            N_("Read the whole journal; name what was changed, removed or cut."), DO, footer=True),
        Key("export", "e,f6", N_("Export"),
            N_("Write these lines with their digests, in the order of the chain."), DO,
            footer=True),
        Key("plan", "p,f4", N_("Plan"), N_("The plan of the line."), LOOK),
        Key("customer", "c", N_("Customer"), N_("Only lines about this line's customer."), LOOK),
        Key("copy", "y", N_("Copy"), N_("Copy the line's hash."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._search = Search()
        self._names: NameLookup | None = None  # of the lines shown
        self._arrived = ""  # the words that somebody came with
        self.parts = (LedgerWatch(self),)

    def body(self) -> Iterable[Widget]:
        """Words, list; the line at the side."""
        columns = [
            ListColumn("seq", _("Line"), 6, right=True, keep=5, tone="dim"),
            ListColumn("at", _("When"), 16, keep=8, tone="dim"),
            ListColumn("who", _("Who"), 8, 1, keep=8),
            ListColumn("kind", _("What"), 14, keep=9, fit=True),
            ListColumn("plan", _("Plan"), 15, keep=6, tone="dim"),
            ListColumn("row", _("Row"), 4, right=True, keep=4, tone="dim"),
            ListColumn("details", _("Details"), 20, 5, keep=7),
            ListColumn("subject", _("Customer"), 16, 1, keep=1, tone="dim"),
        ]
        with Horizontal(id="body"):
            yield ListPane(
                VirtualList(columns, *self.list_workers(), id="list"),
                Input(
                    placeholder=_("/ plan, kind, person or customer"),
                    id="words",
                    select_on_focus=False,
                ),
                title=_("Journal"),
            )
            yield Pane(TextPane(id="card"), title=_("Line"), id="card-pane")

    # -- reading -------------------------------------------------------------------------------

    def arrive(self, target: str) -> None:
        """Come with words."""
        self._arrived = target
        if target:
            self.query_one("#words", Input).value = target

    def read_again(self) -> None:
        """The lines, in place."""
        self._read(stay=True)

    def _read(self, *, stay: bool) -> None:
        from storeops.changes import journal_search as journal_rows

        db, search = self.app.core.data, self._search

        def window(start: int, size: int) -> Sequence[JournalEntry]:
            return journal_rows.window(db, search, start, size)

        names = self._names = NameLookup(db)
        source = PositionRows(
            window, lambda: journal_rows.count(db, search), lambda entry: _line(entry, names)
        )
        self.listing("list").show(source, stay=stay)
        self.paint_frame()

    @on(Input.Changed, "#words")
    def _typed(self, event: Input.Changed) -> None:
        search = understand(event.value)
        if search != self._search:
            self._search = search
            self._read(stay=False)

    @on(Input.Submitted, "#words")
    def _entered(self) -> None:
        self.listing("list").focus()

    @on(VirtualList.Moved, "#list")
    def _moved(self, event: VirtualList.Moved) -> None:
        self._card()

    @on(VirtualList.Counted, "#list")
    def _counted(self) -> None:
        rows = self.listing("list")
        rows.empty = (
            _("No line of the journal fits. Esc takes the words away.")
            if self.query_one("#words", Input).value
            else _("Nothing was changed from here yet; every change will leave a line.")
        )
        rows.refresh()
        self.paint_frame()

    @on(VirtualList.Opened, "#list")
    def _opened(self) -> None:
        self.perform("open")

    def _card(self) -> None:
        if self.has_class("wide"):
            entry, names = self.entry, self._names
            content = details(entry, names) if entry and names else Content("")
            self.query_one("#card", TextPane).put(content)

    # -- frame ---------------------------------------------------------------------------------

    def fold(self, size: Size) -> None:
        """Unfold the card when there is room."""
        super().fold(size)
        self.set_class(size.width >= WIDE, "wide")

    def fill(self) -> None:
        """Fill the card."""
        self._card()

    def crumbs(self) -> list[str]:
        """How many lines."""
        total = self.listing("list").total
        return [ngettext("{count} line", "{count} lines", total).format(count=f"{total:,}")]

    def command_line(self) -> str:
        """The command that lists the same."""
        words = ["storeops", "audit", "list"]
        core, search = self.app.core, self._search
        if core.profile.name != core.settings.profile:
            words += ["--profile", core.profile.name]
        for flag, value in (
            ("--plan", search.plan), ("--kind", search.kind), ("--who", search.who),
            ("--customer", search.external_userid),
        ):  # fmt: skip
            if value:
                words += [flag, value]
        return shlex.join(words)

    def step_back(self) -> bool:
        """From the words to the list; clear the words."""
        words = self.query_one("#words", Input)
        if self.focused is not self.listing("list"):
            self.listing("list").focus()
            return True
        if words.value and not (self.app.linked and words.value == self._arrived):
            words.value = ""
            return True
        return False

    # -- actions -------------------------------------------------------------------------------

    @property
    def entry(self) -> JournalEntry | None:
        """The line under the cursor."""
        line = self.listing("list").line
        return cast("JournalEntry", line.data) if line is not None else None

    def why_not(self, action: str) -> str:
        """A line is needed, and for some what it is about."""
        if action in ("open", "export", "plan", "customer", "copy", "jump"):
            entry = self.entry
            if entry is None:
                return self.listing("list").empty or _("The list is empty.")
            if action == "plan" and not entry.plan:
                return _("This line is not about a plan.")
            if action == "customer" and not entry.subject:
                return _("This line is not about a customer, or it was erased.")
        return super().why_not(action)

    def do_filter(self) -> None:
        """To the words."""
        self.query_one("#words", Input).focus()

    def do_open(self) -> None:
        """The whole line."""
        entry, names = cast("JournalEntry", self.entry), cast("NameLookup", self._names)
        self.open_text(_("Line {seq}").format(seq=entry.seq), details(entry, names))

    def do_plan(self) -> None:
        """To its plan."""
        self.app.go("plans", cast("JournalEntry", self.entry).plan)

    def do_customer(self) -> None:
        """Only lines about the customer."""
        self.query_one(
            "#words", Input
        ).value = f"customer:{cast('JournalEntry', self.entry).subject}"

    def do_copy(self) -> None:
        """The hash."""
        self.app.copy(cast("JournalEntry", self.entry).hash, _("the hash"))

    def do_export(self) -> None:
        """Lines as NDJSON."""
        from storeops.changes.journal_search import export_journal
        from tui.modals.file import FileModal, Target

        db, search = self.app.core.data, self._search

        def then(file: Target | None) -> None:
            if file is None:
                return

            def done(lines: int) -> None:
                self.app.notify(
                    ngettext(
                        "{count} line written to {path}.", "{count} lines written to {path}.", lines
                    ).format(count=f"{lines:,}", path=file.path.absolute()),
                    timeout=8,
                )

            self.work(lambda: export_journal(db, search, file.path, over=file.over), done)

        what = _("The lines shown, oldest first, with the digests that chain them.")
        self.open_window(FileModal(what, "journal.ndjson"), then)

    def do_verify(self) -> None:
        """Prove it, and show what was found."""
        from storeops.changes.verify import verify

        ledger = self.app.core.ledger
        self.app.notify(_("Reading the whole journal …"))
        self.work(lambda: verify(ledger.db, ledger.journal), self._proved)

    def _proved(self, proof: Proof) -> None:
        head = _("The journal is whole.") if proof.whole else _("The journal is NOT whole.")
        tone = "bold $text-success" if proof.whole else "bold $text-error"
        parts = [
            Content.styled(("✓ " if proof.whole else "✗ ") + head + "\n\n", tone),
            fields(
                "",
                [
                    (_("Lines"), f"{proof.lines:,}"),
                    (_("Erased, as noted"), f"{proof.erased:,}"),
                    (_("Newer than the seal"), f"{proof.unsealed:,}" if proof.unsealed else ""),
                    (_("Hash of the last line"), proof.head),
                ],
            ),
        ]
        parts += [Content(f"\n{shown(each.message)}") for each in proof.notes]
        if not proof.whole:
            parts.append(title("\n" + _("What is wrong")))
            parts += [Content(f"✗ {shown(each.message)}\n") for each in proof.findings]
            if proof.more:
                parts.append(Content(_("… and {count} more").format(count=proof.more) + "\n"))
            parts.append(
                Content(
                    "\n"
                    + _("Keep the database as it is and ask who had access to this machine.")
                    + "\n"
                )
            )
        self.open_text(_("Proof of the journal"), Content("").join(parts))


def _line(entry: JournalEntry, names: NameLookup) -> Line:
    details = _("erased") if entry.erased else summary(entry.payload, names)
    return Line(
        entry.seq,
        (
            f"{entry.seq:,}",
            minute(entry.at),
            shown(entry.who),
            kind_word(entry.kind),
            shown(entry.plan),
            str(entry.row) if entry.row is not None else "",
            shown(details),
            shown(names.customer(entry.subject)) if entry.subject else "",
        ),
        "gone" if entry.erased else "",
        entry,
    )


def kind_word(kind: str) -> str:
    """A kind of line in the user's language; one that is not known by its name."""
    return shown(term("journal", kind))


def summary(payload: Mapping[str, Any], names: NameLookup) -> str:
    """What a line says, in a few words; names for ids, phone numbers masked."""
    if "status" in payload and "after" in payload:
        code = payload.get("errcode")
        before, after = _text(payload.get("before"), names), _text(payload["after"], names)
        change = after if before == "–" else f"{before} → {after}"
        parts = [row_status(str(payload["status"])), str(code) if code else "", change]
        return " ".join(part for part in parts if part)
    return "  ".join(
        f"{term('detail', key)} {_short(key, value, names)}"
        for key, value in payload.items()
        if value not in ("", None, [], {}) and key not in ("hash", "revision", "profile", "asked")
    )


def _short(key: str, value: Any, names: NameLookup) -> str:
    """A value in a list; of calls about to be made (number, tries, rows of each) how many."""
    return (
        f"{len(value):,}" if key == "jobs" and isinstance(value, list) else _text(value, names, key)
    )


def details(entry: JournalEntry, names: NameLookup) -> Content:
    """A line whole."""
    parts = [
        fields(
            "",
            [
                (_("When"), second(entry.at)),
                (_("Who"), entry.who),
                (_("Machine"), entry.machine),
                (_("What"), kind_word(entry.kind)),
                (_("Plan"), entry.plan),
                (_("Row"), str(entry.row) if entry.row is not None else ""),
                (_("Customer"), names.customer(entry.subject) if entry.subject else ""),
            ],
        )
    ]
    if entry.erased:
        parts.append(Content(_("Its content was erased; the chain stays whole.") + "\n"))
    else:
        rows = [
            (term("detail", key), _text(value, names, key)) for key, value in entry.payload.items()
        ]
        parts.append(fields(_("Content"), rows))
    technical = [
        (_("Kind"), entry.kind), (_("Customer id"), entry.subject or ""),
        (_("Digest"), entry.digest), (_("Hash"), entry.hash),
    ]  # fmt: skip
    parts.append(fields(_("Technical"), technical))
    return Content("").join(parts)


def _text(value: Any, names: NameLookup | None = None, field: str = "") -> str:
    """A value of the journal as text; phone numbers masked, with `names` names for ids."""
    from storeops.plain import masked

    value = masked(value)
    if isinstance(value, str):
        value = said(value)
    if isinstance(value, dict):
        if names is not None and len(value) == 1:
            ((key, each),) = value.items()
            return _text(each, names, key)
        parts = [
            _("{name}: {text}").format(name=term("field", key), text=_text(each, names, key))
            for key, each in value.items()
        ]
        return _(", ").join(parts) or "–"
    if isinstance(value, list | tuple):
        return _(", ").join(_text(each, names, field) for each in value) or "–"
    if value in ("", None):
        return "–"
    if names is not None and field == "kind":
        return kind_title(str(value))
    return str(names.value(field, value) if names is not None else value)
