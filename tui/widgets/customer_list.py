"""The customer list: columns a person chooses, marks, ranges, full-width keys, pasted words."""

from __future__ import annotations

from textual import events
from textual.message import Message

from storeops.i18n import N_, _
from storeops.reading.columns import columns as domain_columns
from tui.keys import ascii_equivalent
from tui.widgets.rows import ListColumn
from tui.widgets.virtual_list import VirtualList

# key, title, least cells, growth, sort, aligned right, importance when cells are short;
# the default ones all fit into 80 cells
_COLUMNS: tuple[tuple[str, str, int, int, str, bool, int], ...] = (
    ("name", N_("Name"), 13, 3, "name", False, 9),
    ("remark", N_("Remark"), 11, 3, "", False, 7),
    ("owner", N_("Owner"), 9, 2, "", False, 8),
    ("store", N_("Store"), 13, 2, "", False, 6),
    ("tags", N_("Tags"), 11, 4, "", False, 6),
    ("status", N_("Status"), 8, 0, "", False, 3),
    ("added", N_("Added"), 10, 0, "newest", False, 5),
    ("way", N_("Way"), 10, 1, "", False, 2),
    ("state", N_("State"), 10, 1, "", False, 2),
    ("phone", N_("Phone"), 12, 0, "", False, 3),
    ("follows", N_("Owners"), 6, 0, "", True, 2),
    ("external_userid", N_("Customer id"), 32, 0, "", False, 1),
)
DIM = ("added", "external_userid", "state", "way")  # read when looked for, not while skimming
DEFAULT_COLUMNS = ("name", "remark", "owner", "store", "tags", "status", "added")


def columns(keys: tuple[str, ...] = DEFAULT_COLUMNS) -> list[ListColumn]:
    """The columns called `keys`, in that order, titles in the user's language."""
    own = {each[0]: each for each in _COLUMNS}
    known = own if own.keys() >= set(keys) else _known()  # domains are loaded when one is shown
    return [
        ListColumn(
            key,
            _(title),
            width,
            grow,
            sort,
            right,
            keep,
            fit=key == "status",
            last=key in ("owner", "store"),
            tone="dim" if key in DIM else "",
        )
        for key, title, width, grow, sort, right, keep in (
            known[key] for key in keys if key in known
        )
    ]


def all_columns() -> list[ListColumn]:
    """Every column there is."""
    return columns(tuple(_known()))


def _known() -> dict[str, tuple[str, str, int, int, str, bool, int]]:
    """Every column by its key, those of domains last."""
    own = [
        (key, column.title, column.width, 0, "", column.right, 2)
        for key, (_domain, column) in domain_columns().items()
    ]
    return {each[0]: each for each in (*_COLUMNS, *own)}


class CustomerList(VirtualList):
    """Customers; what is typed here and is no key begins a filter."""

    class Typed(Message):
        """Text that belongs into the filter: pasted, or committed by an input method."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def on_key(self, event: events.Key) -> None:
        """A Chinese character is never a key: it begins the filter."""
        character = event.character
        if (
            character is not None
            and not character.isascii()
            and character.isprintable()
            and ascii_equivalent(character) is None
        ):
            event.stop()
            event.prevent_default()
            self.post_message(self.Typed(character))

    def on_paste(self, event: events.Paste) -> None:
        """Pasted words are looked for."""
        event.stop()
        self.post_message(self.Typed(event.text))
