"""Choose the tags to set and to take off."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from storeops.changes.marked import MarkedCustomers
from storeops.i18n import _
from storeops.mirror.tag_names import Tag
from tui.cells import chip, fit, pad, shown
from tui.modals import follows
from tui.modals.base import BaseModal

MOST = 200  # tags shown at once
SIGNS = {"": "[ ]", "add": "[+]", "remove": "[-]"}
NEXT = {"": "add", "add": "remove", "remove": ""}


@dataclass(frozen=True, slots=True)
class TagRequest:
    """The answer: tag ids, and whose follows are meant."""

    add: tuple[str, ...]
    remove: tuple[str, ...]
    follows: str


class TagsModal(BaseModal[TagRequest]):
    """Answers with what the draft gets.

    Args:
        marked: whom it is about.
        tags: the library, deleted tags left out.
        carried: tag_id → how many of the customers have it already.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down", "step(1)", show=False, priority=True),
        Binding("up", "step(-1)", show=False, priority=True),
        Binding("pagedown", "step(8)", show=False, priority=True),
        Binding("pageup", "step(-8)", show=False, priority=True),
        Binding("f6,ctrl+s", "take", show=False, priority=True),
        *follows.KEYS,
    ]

    def __init__(
        self, marked: MarkedCustomers, tags: Sequence[Tag], carried: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(_("Tags for the draft"))
        self._carried = carried or {}
        self._marked = marked
        self._tags = sorted(tags, key=lambda tag: (tag.group, -tag.order, tag.name))
        self._found: list[Tag] = []
        self._ways: dict[str, str] = {}

    def body(self) -> Iterable[Widget]:
        """Whom, words, tags, follows, what was chosen."""
        yield Static(Content(follows.whom(self._marked)))
        yield Input(placeholder=_("words of a tag or its group"), id="words")
        yield OptionList(id="tags")
        yield follows.FollowsLine(self._marked)
        yield Static("", id="chosen")
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """All tags; the words have the keys."""
        self._show()
        self.query_one("#words", Input).focus()

    def hint(self) -> str:
        """What to press."""
        return _("Enter: [+] set, [-] take off, [ ] leave · F6 adds to the draft · Esc leaves.")

    def _show(self) -> None:
        options = self.query_one("#tags", OptionList)
        at = options.highlighted or 0
        words = shown(self.query_one("#words", Input).value).casefold().split()
        before = self._found
        self._found = [
            tag
            for tag in self._tags
            if all(word in f"{tag.group} {tag.name}".casefold() for word in words)
        ][:MOST]
        options.clear_options()
        options.add_options(
            Option(
                Content.assemble(
                    SIGNS[self._ways.get(tag.tag_id, "")] + " ",
                    (pad(fit(shown(tag.name), 24), 25), f"${chip(tag.group)}"),
                    (pad(fit(shown(tag.group), 20), 21), "$text-muted"),
                    (self._has(tag.tag_id), "$text-muted"),
                )
            )
            for tag in self._found
        )
        if self._found:
            options.highlighted = min(at, len(self._found) - 1) if before == self._found else 0
        plus = [shown(tag.path) for tag in self._tags if self._ways.get(tag.tag_id) == "add"]
        minus = [shown(tag.path) for tag in self._tags if self._ways.get(tag.tag_id) == "remove"]
        text = "  ".join([*(f"+{each}" for each in plus), *(f"−{each}" for each in minus)])
        self.query_one("#chosen", Static).update(Content(fit(text, 70)))

    def _has(self, tag_id: str) -> str:
        """How many have the tag already."""
        count = self._carried.get(tag_id, 0)
        if not count:
            return ""
        if count == len(self._marked.customers):
            return "✓ " + _("all have it")
        return _("{count} of {all} have it").format(
            count=f"{count:,}", all=f"{len(self._marked.customers):,}"
        )

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typed: narrow."""
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter on the words turns the tag highlighted."""
        self._turn(self.query_one("#tags", OptionList).highlighted)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Clicked, or Enter on the list."""
        self._turn(event.option_index)

    def _turn(self, at: int | None) -> None:
        if at is not None and at < len(self._found):
            tag = self._found[at].tag_id
            self._ways[tag] = NEXT[self._ways.get(tag, "")]
            self._show()

    def action_step(self, step: int) -> None:
        """Up and down while typing."""
        options = self.query_one("#tags", OptionList)
        if self._found:
            at = (options.highlighted or 0) + step
            options.highlighted = max(0, min(at, len(self._found) - 1))

    def action_follows(self) -> None:
        """Whose follows."""
        self.query_one(follows.FollowsLine).action_next()

    def action_take(self) -> None:
        """Add to the draft."""
        plus = tuple(key for key, way in self._ways.items() if way == "add")
        minus = tuple(key for key, way in self._ways.items() if way == "remove")
        if not plus and not minus:
            self.query_one("#problem", Static).update(
                Content(_("Choose at least one tag: ↑ ↓, then Enter."))
            )
            return
        self.dismiss(TagRequest(plus, minus, self.query_one(follows.FollowsLine).follows))

    def verb(self) -> str:
        """What the button says."""
        return _("Add to the draft")
