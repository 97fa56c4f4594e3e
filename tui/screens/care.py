"""Care: today's tasks by guide; done, put off or skipped by one key and a word."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from textual.content import Content

from storeops import times
from storeops.domains.care import matters, rules, tasks
from storeops.domains.care.rules import ASKED, KINDS
from storeops.domains.care.tasks import STATUSES
from storeops.i18n import N_, _, ngettext
from storeops.mirror import members
from storeops.reading.directory import department_names
from tui.cells import shown
from tui.fields import fields
from tui.keys import DO, LIST, LOOK, Key
from tui.screens.listing import ListScreen
from tui.widgets.rows import Line, ListColumn, TableRows

MOST = 20_000  # tasks that are listed; `care list --all` has the others
ENDED_DAYS = 30  # how long ended tasks are listed
DAY_S = 86_400
TODAY, OPEN, ENDED = range(3)
VIEWS = {TODAY: N_("today"), OPEN: N_("all open"), ENDED: N_("ended")}
PUT_OFF = ((1, N_("until tomorrow")), (3, N_("for three days")), (7, N_("for a week")),
           (30, N_("for thirty days")))  # fmt: skip


class CareScreen(ListScreen):
    """What guides have to do; Enter shows the customer, a key says how it went."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("done", "d,f8", N_("Done"), N_("Say that it is done, and how it went."), DO,
            footer=True),
        Key("snooze", "z,f6", N_("Put off"), N_("Let it wait for some days."), DO, footer=True),
        Key("skip", "s,f4", N_("Skip"), N_("Do not do it, and say why."), DO, footer=True),
        Key("complaint", "b", N_("Complaint"),
            N_("Note a complaint of the customer; guides are asked until it is closed."), DO),
        Key("quiet", "p", N_("Quiet"),
            N_("Ask nothing of the customer any more, until `care quiet --over`."), DO),
        Key("card", "", N_("Card"), N_("The card of the customer: what was bought, what "
            "is due, what was done."), LOOK, footer=True, shown="Enter"),
        Key("view", "v", N_("Which"), N_("Those of today, all that are open, or how others ended."),
            LOOK, footer=True),
        Key("guide", "w", N_("One guide"),
            N_("Only tasks of the guide under the cursor, or of all again."), LOOK),
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("open", "c", N_("Customers"),
            N_("Show the customer of the row among all customers."), LOOK),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._view = TODAY
        self._guide = ""  # userid; "" for all
        self._rules = True  # whether any rule is in force

    def columns(self) -> list[ListColumn]:
        """Whose, for whom, what, when, or how it ended."""
        return [
            ListColumn("guide", _("Guide"), 8, keep=7, fit=True),
            ListColumn("customer", _("Customer"), 10, keep=8, fit=True),
            ListColumn("what", _("What"), 40, 2, keep=9),
            ListColumn("due", _("Due"), 10, keep=6, tone="dim"),
            ListColumn("status", _("Status"), 8, keep=5, fit=True),
            ListColumn("note", _("Note"), 8, 1, keep=4, fit=True),
            ListColumn("store", _("Store"), 12, 1, keep=3, last=True),
        ]

    def load(self) -> Sequence[Line]:
        """The tasks (background)."""
        core = self.app.core
        db, now = core.data, core.clock.now()
        self._rules = bool(rules.in_force(db))
        if self._view == ENDED:
            rows: list[dict[str, Any]] = []
            for status in tasks.ENDED:
                rows += tasks.list_tasks(
                    db, now, userid=self._guide, status=status, limit=MOST,
                    ended_since=int(now) - ENDED_DAYS * DAY_S,
                )  # fmt: skip
            rows.sort(key=lambda row: -(row["ended_at"] or 0))
        else:
            rows = tasks.list_tasks(
                db, now, userid=self._guide, all_days=self._view == OPEN, limit=MOST
            )
        guides = members.by_userids(db, {row["userid"] for row in rows})
        shops = department_names(db)
        lines = []
        for row in rows:
            guide = guides.get(row["userid"].lower())
            late = self._view == TODAY and row["due_at"] < now - DAY_S
            row["store"] = shops.get(guide.store_id, "") if guide else ""
            lines.append(
                Line(
                    row["id"],
                    (
                        shown(row["guide"]),
                        shown(row["customer"] or row["external_userid"]),
                        shown(row["text"]),
                        times.day(row["due_at"]),
                        "" if self._view == TODAY else _(STATUSES[row["status"]]),
                        shown(row["note"]),
                        shown(row["store"]),
                    ),
                    "gone" if row["status"] != "open" else "warn" if late else "",
                    row,
                )
            )
        return lines

    def task_here(self) -> dict[str, Any] | None:
        """The task under the cursor."""
        line = self.table.line
        return line.data if line is not None and isinstance(line.data, dict) else None

    def card(self, line: Line) -> Content:
        """The task, and what made it."""
        row = line.data
        assert isinstance(row, dict)
        snoozes = ngettext("once", "{count} times", row["snoozes"]).format(count=row["snoozes"])
        return fields(
            line.cells[2],
            [
                (_("Customer"), row["customer"] or row["external_userid"]),
                (_("Guide"), " · ".join(filter(None, (row["guide"], row["store"])))),
                (_("Kind"), _((KINDS | ASKED)[row["kind"]])),
                (_("Order no."), row["subject"] if row["kind"] == "after-purchase" else ""),
                (_("Rule"), row["reason"]),
                (_("Due"), times.day(row["due_at"])),
                (_("Put off"), snoozes if row["snoozes"] else ""),
                (_("Status"), _(STATUSES[row["status"]])),
                (_("Ended"), times.minute(row["ended_at"])),
                (_("By"), row["ended_by"]),
                (_("Note"), row["note"]),
            ],
        )

    def name_of(self, line: Line) -> str:
        """The customer."""
        return line.cells[1]

    def enter(self, line: Line) -> None:
        """The customer's card."""
        row = line.data
        assert isinstance(row, dict)
        self.show_customer(row["external_userid"], self.name_of(line))

    def do_card(self) -> None:
        """The same from the menu."""
        if self.table.line is not None:
            self.enter(self.table.line)

    def filter_of(self, line: Line) -> str:
        """The customer alone."""
        row = line.data
        assert isinstance(row, dict)
        return f"id:{row['external_userid']}"

    def nothing(self) -> str:
        """Where tasks come from."""
        if not self._rules:
            return _("No rule is in force: `storeops care rule use` takes the usual ones.")
        if self._view == TODAY:
            return _("Nothing is to be done today; v shows what waits. `storeops care plan` makes "
                     "the tasks of a day.")  # fmt: skip
        return _("There is no such task.")

    def crumbs(self) -> list[str]:
        """Which ones, of whom, how many."""
        line = self.table.line
        named = line.data["guide"] if self._guide and line and isinstance(line.data, dict) else ""
        more = [_("only the first")] if len(self.rows.lines) >= MOST else []
        return [*filter(None, (_(VIEWS[self._view]), shown(named))), *super().crumbs(), *more]

    def others_wrote(self) -> None:
        """A night made tasks, or somebody ended one."""
        super().others_wrote()
        self.read_again()

    def command_line(self) -> str:
        """The command that lists the same."""
        words = ["storeops", "care", "list"]
        if self._view == OPEN:
            words.append("--all-days")
        elif self._view == ENDED:
            words += ["--status", ",".join(tasks.ENDED)]
        return shlex.join([*words, *([f"--userid={self._guide}"] if self._guide else [])])

    # -- keys ----------------------------------------------------------------------------------

    def why_not(self, action: str) -> str:
        """A task is needed, and to end one it must be open."""
        if action in ("done", "snooze", "skip", "card", "guide", "complaint", "quiet"):
            row = self.task_here()
            if row is None:
                return "" if action == "guide" and self._guide else (
                    self.table.empty or _("The list is empty."))  # fmt: skip
            if action in ("done", "snooze", "skip") and row["status"] != "open":
                return _("It has ended already.")
            return ""
        return super().why_not(action)

    def do_view(self) -> None:
        """The next ones."""
        self._view = (self._view + 1) % len(VIEWS)
        self.rows = TableRows()  # another list: the cursor begins at its top
        self.read_again()

    def do_guide(self) -> None:
        """Of one guide, or of all."""
        row = self.task_here()
        self._guide = "" if self._guide or row is None else row["userid"]
        self.read_again()

    def _ask(self, title: str, text: str, placeholder: str, *, empty: bool,
             then: Callable[[str], object]) -> None:  # fmt: skip
        from tui.modals.note import NoteModal

        def answered(word: str | None) -> None:
            if word is not None:
                then(word)

        self.open_window(NoteModal(title, text, placeholder, empty=empty), answered)

    def do_done(self) -> None:
        """It is done."""
        row = self.task_here()
        if row is not None:
            self._ask(
                _("Done: {name}").format(name=shown(row["customer"])), shown(row["text"]),
                _("how it went, or nothing"), empty=True,
                then=lambda word: self._end(row, "done", word),
            )  # fmt: skip

    def do_skip(self) -> None:
        """It will not be done."""
        row = self.task_here()
        if row is not None:
            self._ask(
                _("Skip: {name}").format(name=shown(row["customer"])), shown(row["text"]),
                _("why it will not be done"), empty=False,
                then=lambda word: self._end(row, "skipped", word),
            )  # fmt: skip

    def _end(self, row: dict[str, Any], status: str, word: str) -> None:
        core = self.app.core
        done = _("Done for {name}.") if status == "done" else _("Skipped for {name}.")
        self._change(
            lambda: tasks.end_task(
                core.data, row["id"], status, core.ledger.who, core.clock.now(), word
            ),
            done.format(name=shown(row["customer"])),
        )

    def do_complaint(self) -> None:
        """The customer complained."""
        self._note(
            matters.COMPLAINT, _("Complaint: {name}"), _("what it is about"), empty=False,
            said=_("The complaint of {name} is open."),
        )  # fmt: skip

    def do_quiet(self) -> None:
        """The customer wants peace."""
        self._note(
            matters.QUIET, _("Quiet: {name}"), _("why, or nothing"), empty=True,
            said=_("{name} is left in peace."),
        )  # fmt: skip

    def _note(self, kind: str, title: str, placeholder: str, *, empty: bool, said: str) -> None:
        row, core = self.task_here(), self.app.core
        if row is None:
            return
        name = shown(row["customer"] or row["external_userid"])

        def then(word: str) -> None:
            self._change(
                lambda: matters.open_matter(
                    core.data, row["external_userid"], kind, word, core.ledger.who,
                    core.clock.now(),
                ),
                said.format(name=name),
            )  # fmt: skip

        self._ask(title.format(name=name), shown(row["text"]), placeholder, empty=empty, then=then)

    def do_snooze(self) -> None:
        """Later."""
        from tui.modals.choose import ChooseModal

        row, core = self.task_here(), self.app.core
        if row is None:
            return

        def then(days: str | None) -> None:
            if days:
                due_at = int(core.clock.now()) + int(days) * DAY_S
                self._change(
                    lambda: tasks.snooze(
                        core.data, row["id"], due_at, core.ledger.who, core.clock.now()
                    ),
                    _("Put off until {day}.").format(day=times.day(due_at)),
                )

        ways = [(str(days), _(words)) for days, words in PUT_OFF]
        title = _("Put off: {name}").format(name=shown(row["customer"]))
        self.open_window(ChooseModal(title, row["text"], ways), then)

    def _change(self, change: Callable[[], object], said: str) -> None:
        def then(_changed: object) -> None:
            self.app.notify(said, severity="information", timeout=4)
            self.read_again()

        self.work(change, then)
