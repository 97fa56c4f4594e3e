"""Events: what WeCom calls back about, raw beside decoded; and what no callback told of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from textual.content import Content

from storeops.errors import NotFoundError
from storeops.events import listing
from storeops.events.inbox import UNREADABLE, Event, Inbox
from storeops.i18n import N_, _, ngettext
from storeops.operations import events as operations
from storeops.operations import gaps
from storeops.sync import runs
from storeops.terms import term
from storeops.times import minute, second
from tui.cells import shown
from tui.fields import fields, title
from tui.keys import DO, LIST, LOOK, Key
from tui.names import NameLookup
from tui.screens.listing import ListScreen
from tui.widgets.panes import Pane, TextPane
from tui.widgets.rows import Line, ListColumn

NEWEST = 1_000  # events that are listed; `events list --all` has the others
RAW = 2_000  # characters of a request's body that are shown
LOOK_S = 2.0  # between two looks at the inbox (2 ms), while the screen is in front
_TONES = {"failed": "bad", "unreadable": "bad", "received": "warn", "kept": "gone"}


class EventsScreen(ListScreen):
    """The newest events, those of now at the top; Enter shows one as it came and as it was read."""

    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("filter", "slash,f3", N_("Filter"),
            N_("Narrow the list to rows that hold all the words typed."), LOOK, footer=True),
        Key("open", "c,f6", N_("Customer"), N_("Show the customer of the row."), LOOK,
            footer=True),
        Key("retry", "r,f8", N_("Retry"),
            N_("Handle the event again; one that was unreadable is decrypted with the keys of "
               "today."), DO, footer=True),
        Key("gaps", "v,f4", N_("Gaps"),
            N_("What the last sync found that no event had told of, or the events again."), LOOK,
            footer=True),
        Key("copy", "y", N_("Copy"), N_("Copy the id of the row under the cursor."), LOOK),
        *LIST,
    )  # fmt: skip

    def __init__(self) -> None:
        super().__init__()
        self._gaps = False  # whether the list is of what no event told
        self._said = ""  # what that comparison says of the callbacks
        self._found: list[Event] = []  # as they were read last
        self._run: object = None  # the newest run when the gaps were read
        self._untold: Sequence[Line] = ()
        self._whole: EventDetails | None = None  # of the card at the side

    def columns(self) -> list[ListColumn]:
        """When, what, whose, what became of it."""
        return [
            ListColumn("at", _("Received"), 16, keep=6, tone="dim"),
            ListColumn("what", _("What"), 14, 2, keep=9),
            ListColumn("customer", _("Customer"), 10, 2, keep=8),
            ListColumn("member", _("Member"), 8, 1, keep=7),
            ListColumn("status", _("Status"), 8, keep=8),
            ListColumn("why", _("Why"), 8, 2, keep=3, fit=True),
            ListColumn("came", _("Came"), 4, right=True, keep=2, fit=True),
        ]

    def ready(self) -> None:
        """Load, then look at the inbox while the screen is in front."""
        super().ready()
        self.set_interval(LOOK_S, self._look)

    def _look(self) -> None:
        if not self.is_current or self._gaps:
            return

        def changed() -> bool:
            return self._newest() != self._found

        self.read(changed, lambda anew: self.read_again() if anew else None, key="look")

    def _newest(self) -> list[Event]:
        return listing.events(self.app.core.inbox, limit=NEWEST)

    def load(self) -> Sequence[Line]:
        """The newest events, or what no event told of (background)."""
        names = NameLookup(self.app.core.data)
        if self._gaps:
            newest = runs.latest(self.app.core.data)
            if newest != self._run:  # else nothing can have become another
                self._run, self._untold = newest, self._read_gaps(names)
            return self._untold
        self._found = self._newest()
        return [self._line(each, names) for each in self._found]

    def _line(self, event: Event, names: NameLookup) -> Line:
        again = event.status in _TONES and event.status != "kept"
        return Line(
            event.id,
            (
                minute(event.received_at),
                shown(change_word(event)),
                shown(names.customer(event.external_userid)) if event.external_userid else "",
                shown(names.member(event.userid)) if event.userid else "",
                ("! " if again else "") + term("event", event.status),
                shown(term("event_reason", event.reason)),
                f"{event.deliveries:,}" if event.deliveries > 1 else "",
            ),
            _TONES.get(event.status, ""),
            event,
        )

    def _read_gaps(self, names: NameLookup) -> list[Line]:
        found = gaps.latest(self.app.core)
        if found is None:
            self._said = ""
            return []
        ended, result = found
        changes = result.told + len(result.untold)
        self._said = ngettext(
            "events told of {told} of {all} change until {time}",
            "events told of {told} of {all} changes until {time}",
            changes,
        ).format(told=f"{result.told:,}", all=f"{changes:,}", time=minute(ended))
        return [
            Line(
                (each.external_userid, each.userid),
                (
                    minute(ended),
                    shown(_(", ").join(term("field", one) for one in each.fields)),
                    shown(names.customer(each.external_userid)),
                    shown(names.member(each.userid)) if each.userid else "",
                    _("repaired"), "", "",
                ),
                "",
                each,
            )
            for each in result.untold[:NEWEST]
        ]  # fmt: skip

    def put_card(self, line: Line | None) -> None:
        """The same beside the list; it is read in the background."""
        if not self.has_class("wide") or line is None or isinstance(line.data, gaps.Gap):
            self._whole = None
            super().put_card(line)
            return

        def put(whole: EventDetails | None) -> None:
            if not self.is_under_cursor(line):
                return
            if whole is None or whole != self._whole:  # else it stays where it was scrolled to
                self._whole = whole
                self.query_one("#card", TextPane).put(_event_card(line, whole))
                self.query_one("#card-pane", Pane).entitle(self.name_of(line))

        self._read_event(line, put)

    def enter(self, line: Line) -> None:
        """Into the card, which is a window where no room is beside the list."""
        if self.has_class("wide") or isinstance(line.data, gaps.Gap):
            super().enter(line)
            return
        self._read_event(
            line, lambda whole: self.open_text(self.name_of(line), _event_card(line, whole))
        )

    def _read_event(self, line: Line, then: Callable[[EventDetails | None], None]) -> None:
        inbox = self.app.core.inbox
        assert isinstance(line.data, Event)
        number = line.data.id

        def details() -> EventDetails | None:
            try:
                event, message = listing.event(inbox, number)
            except NotFoundError:
                return None  # forgotten or merged meanwhile
            arrived = tuple(listing.deliveries(inbox, number))
            return EventDetails(event, listing.message_fields(message), arrived)

        self.read(details, then, key="card")

    def card(self, line: Line) -> Content:
        """Of a gap: what was found."""
        gap = line.data
        assert isinstance(gap, gaps.Gap)
        return fields(
            line.cells[2],
            [
                (_("Customer"), gap.external_userid),
                (_("Member"), gap.userid or ""),
                (_("Found"), line.cells[1]),
                (_("Source"), _("a sync; no event had told of it")),
            ],
        )

    def name_of(self, line: Line) -> str:
        """What it tells of."""
        return line.cells[1]

    def nothing(self) -> str:
        """Where events come from, and a comparison."""
        if self._gaps and not self._said:
            return _("Nothing was compared yet; 7 goes to Sync.")
        if self._gaps:
            return _("No change went untold; 7 goes to Sync, which compares again.")
        return _("Nothing was received; `storeops events serve` receives.")

    def crumbs(self) -> list[str]:
        """How many, of which list."""
        if not self._gaps:
            return super().crumbs()
        return [_("gaps"), *filter(None, [self._said]), *super().crumbs()]

    def filter_of(self, line: Line) -> str:
        """The customer of the row."""
        data = line.data
        assert isinstance(data, Event | gaps.Gap)
        return f"id:{data.external_userid}"

    def why_not(self, action: str) -> str:
        """A customer to open; an event to handle again."""
        line = self.table.line
        data = line.data if line is not None else None
        if action == "open" and isinstance(data, Event) and not data.external_userid:
            return _("The event names no customer.")
        if action == "retry":
            if self._gaps:
                return _("What the sync found is in the mirror already.")
            if not isinstance(data, Event):
                return _("There is no event under the cursor.")
            if not data.subject and data.status != UNREADABLE:
                return _("The event asks for nothing: it was only kept.")
            return self.app.why_no_write()
        return super().why_not(action)

    def do_copy(self) -> None:
        """The event's number; of a gap the customer's id."""
        line = self.table.line
        if line is not None and isinstance(line.data, gaps.Gap):
            self.app.copy(line.data.external_userid, _("the id"))
        else:
            super().do_copy()

    def do_gaps(self) -> None:
        """The other list."""
        self._gaps = not self._gaps
        self.read_again()

    def do_retry(self) -> None:
        """Handle it again; with `events serve` beside, it does at once."""
        line, core = self.table.line, self.app.core
        if line is None or not isinstance(line.data, Event):
            return
        event = line.data

        def again() -> int:
            if event.status == UNREADABLE:
                return operations.open_receiver(core).read_again()
            return Inbox(core.inbox).retry([event.id], core.clock.now())

        def then(count: int) -> None:
            if not count:
                self.app.notify(_("No key of today opens it."), severity="warning")
                return
            self.app.notify(
                ngettext("{count} event is due again; `storeops events run` handles it.",
                         "{count} events are due again; `storeops events run` handles them.",
                         count).format(count=count)
            )  # fmt: skip
            self.read_again()

        self.work(again, then)

    def command_line(self) -> str:
        """The command."""
        return "storeops events list"


def change_word(event: Event) -> str:
    """What an event tells of, in words; as WeCom writes it when nobody named it."""
    code = f"{event.event}/{event.change_type}"
    word = term("change", code)
    return word if word != code else " ".join(filter(None, (event.event, event.change_type)))


@dataclass(frozen=True, slots=True)
class EventDetails:
    """An event with what it said and the requests that brought it."""

    event: Event
    message: dict[str, Any] | None
    arrived: Sequence[listing.Arrived]


def _event_card(line: Line, whole: EventDetails | None) -> Content:
    """The event as it was read, beside the requests as they came."""
    if whole is None:
        return Content(_("This event is gone."))
    event = whole.event
    return Content("").join([
        fields(
            line.cells[1],
            [
                (_("No."), str(event.id)),
                (_("Happened"), second(event.create_time or None)),
                (_("Received"), second(event.received_at)),
                (_("Status"), line.cells[4]),
                (_("Why"), term("event_reason", event.reason)),
                (_("Code"), "" if event.errcode is None else str(event.errcode)),
                (_("Handled"), second(event.handled_at)),
                (_("Due"), second(event.due_at)),
                (_("Failures"), f"{event.attempts:,}" if event.attempts else ""),
            ],
        ),
        title(_("As it was read")),
        fields("", [(name, str(value)) for name, value in (whole.message or {}).items()]),
        title(_("As it came")),
        *(
            fields(
                "",
                [
                    (_("Received"), second(each.received_at)),
                    ("timestamp", each.delivery.timestamp),
                    ("nonce", each.delivery.nonce),
                    ("msg_signature", each.delivery.msg_signature),
                    (_("Body"), "\n" + each.delivery.body.decode("utf-8", "replace")[:RAW]),
                ],
            )
            for each in whole.arrived
        ),
    ])  # fmt: skip
