"""By which rule, how many each, with which farewell: the last questions before a handover plan."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, OptionList, Static
from textual.widgets.option_list import Option

from storeops.i18n import _
from storeops.operations.handover.rules import MESSAGE_CHARACTERS
from storeops.operations.handover.wish import CAPACITY, LEAST_LOADED, ROUND_ROBIN, SAME_STORE
from tui.cells import shown
from tui.keys import twin
from tui.modals.base import HouseModal


@dataclass(frozen=True, slots=True)
class Terms:
    """The answer.

    Attributes:
        rule: name of the rule, "" for a single taker.
        cap: customers each taker gets at most, None for no cap.
        message: farewell, "" for WeCom's own.
    """

    rule: str
    cap: int | None
    message: str


class HandoverModal(HouseModal[Terms]):
    """Answers with the terms of a plan.

    Args:
        lines: who gives, who takes; may hold a stranger's words.
        takers: how many takers were named; 0 means the colleagues of the shop.
        on_job: whether a farewell message can be sent.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,ctrl+s", "take", show=False, priority=True),
    ]

    def __init__(self, lines: Sequence[str], *, takers: int, on_job: bool) -> None:
        super().__init__(_("Plan a handover"))
        self._lines = lines
        self._on_job = on_job
        words = {
            SAME_STORE: _("colleagues of the shop, least loaded first"),
            LEAST_LOADED: _("whoever has fewest customers"),
            ROUND_ROBIN: _("one after the other"),
            CAPACITY: _("whoever has most room left"),
        }
        names = [LEAST_LOADED, ROUND_ROBIN, CAPACITY] if takers else [SAME_STORE]
        self._rules = [("", _("everything to this one member"))] if takers == 1 else [
            (name, f"{name}: {words[name]}") for name in names
        ]  # fmt: skip

    def body(self) -> Iterable[Widget]:
        """Who, rule, cap, farewell."""
        yield Static(Content("\n".join(shown(line) for line in self._lines)))
        yield OptionList(*(Option(Content(words)) for _name, words in self._rules), id="rules")
        yield Input(placeholder=_("at most so many customers each (may stay empty)"), id="cap")
        if self._on_job:
            yield Input(
                placeholder=_("farewell to the customers, at most {most} characters; {{from}} "
                              "{{to}} {{store}} (may stay empty)").format(most=MESSAGE_CHARACTERS),
                id="message",
            )  # fmt: skip
        yield Static(
            Content(
                _("On the command line: storeops handover plan --rule weighted | by-tag | by-date")
            )
        )
        yield Static("", id="problem")
        yield Button(Content(_("Make the plan")), id="take")

    def on_mount(self) -> None:
        """The rules have the keys."""
        rules = self.query_one("#rules", OptionList)
        rules.highlighted = 0
        rules.focus()

    def hint(self) -> str:
        """What to press."""
        return _("Enter or F6 makes the plan, nothing is sent · Tab changes · Esc leaves.")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a rule."""
        self.action_take()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter on a line."""
        self.action_take()

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """By mouse."""
        self.action_take()

    def action_take(self) -> None:
        """Check the cap; answer."""
        text = "".join(twin(each) or each for each in self.query_one("#cap", Input).value).strip()
        if text and not (text.isascii() and text.isdecimal() and 0 < int(text) <= 1_000_000):
            self.query_one("#problem", Static).update(
                Content(_("The cap is a number of customers, such as 200."))
            )
            return
        at = self.query_one("#rules", OptionList).highlighted or 0
        message = self.query_one("#message", Input).value.strip() if self._on_job else ""
        self.dismiss(Terms(self._rules[at][0], int(text) if text else None, message))
