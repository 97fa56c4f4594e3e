"""By which rule, how many each, with which farewell: the last questions before a handover plan."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import on
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from storeops.domains.handover.assign import (
    BY_DATE,
    BY_TAG,
    CAPACITY,
    LEAST_LOADED,
    ROUND_ROBIN,
    SAME_STORE,
    WEIGHTED,
)
from storeops.domains.handover.rules import MESSAGE_CHARACTERS
from storeops.i18n import _, labelled
from tui.cells import shown
from tui.keys import ascii_equivalent
from tui.modals.base import BaseModal

WITH_SHARES = (WEIGHTED, BY_TAG, BY_DATE)  # rules that ask who gets what


@dataclass(frozen=True, slots=True)
class Terms:
    """The answer.

    Attributes:
        rule: name of the rule, "" for a single taker.
        cap: customers each taker gets at most, None for no cap.
        message: farewell, "" for WeCom's own.
        weights: userid or name → share, for weighted.
        map: (tag or day, userid or name) for by-tag and by-date; "*" for the rest.
    """

    rule: str
    cap: int | None
    message: str
    weights: dict[str, float] = field(default_factory=dict)
    map: tuple[tuple[str, str], ...] = ()


class HandoverModal(BaseModal[Terms]):
    """Answers with the terms of a plan.

    Args:
        lines: who gives, who takes; may hold a stranger's words.
        to_owners: userids of the takers named; none means the colleagues of the shop.
        on_job: whether a farewell message can be sent.
        typed: rule → what was typed for it last; kept up to date here.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,ctrl+s", "take", show=False, priority=True),
    ]

    def __init__(
        self, lines: Sequence[str], to_owners: Sequence[str], *, on_job: bool, typed: dict[str, str]
    ) -> None:
        super().__init__(_("Plan a handover"))
        self._lines = lines
        self._to_owners = to_owners
        self._on_job = on_job
        self._typed = typed
        self._asked = ""  # the rule whose shares the line holds
        words = {
            SAME_STORE: _("colleagues of the shop, least loaded first"),
            LEAST_LOADED: _("whoever has fewest customers"),
            ROUND_ROBIN: _("one after the other"),
            CAPACITY: _("whoever has most room left"),
            WEIGHTED: _("by shares that you give"),
            BY_TAG: _("by the customer's tag"),
            BY_DATE: _("by the day the customer was added"),
        }
        names = [LEAST_LOADED, ROUND_ROBIN, CAPACITY, *WITH_SHARES] if to_owners else [SAME_STORE]
        self._rules = [("", _("everything to this one member"))] if len(to_owners) == 1 else [
            (name, labelled(name, words[name])) for name in names
        ]  # fmt: skip

    def body(self) -> Iterable[Widget]:
        """Who, rule, shares, cap, farewell."""
        yield Static(Content("\n".join(shown(line) for line in self._lines)))
        yield OptionList(*(Option(Content(words)) for _name, words in self._rules), id="rules")
        yield Input(id="shares")
        yield Input(placeholder=_("at most so many customers each (may stay empty)"), id="cap")
        if self._on_job:
            yield Input(
                placeholder=_("farewell to the customers, at most {most} characters; {{from}} "
                              "{{to}} {{store}} (may stay empty)").format(most=MESSAGE_CHARACTERS),
                id="message",
            )  # fmt: skip
        if len(self._to_owners) < 2:
            more = _("Mark two takers or more to share by weight, by tag or by date.")
            yield Static(Content(more), id="more")
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """The rules have the keys."""
        self.query_one("#shares", Input).display = False
        rules = self.query_one("#rules", OptionList)
        rules.highlighted = 0
        rules.focus()

    def hint(self) -> str:
        """What to press."""
        return _("Enter or F6 makes the plan, nothing is sent · Tab changes · Esc leaves.")

    @on(OptionList.OptionHighlighted, "#rules")
    def _ask_shares(self, event: OptionList.OptionHighlighted) -> None:
        """Ask who gets what, when the rule needs to know."""
        rule = self._rules[event.option_index][0]
        line = self.query_one("#shares", Input)
        self._keep(line)
        line.display = rule in WITH_SHARES
        self._asked = rule if line.display else ""
        if not line.display:
            return
        first, last = self._to_owners[0], self._to_owners[-1]
        line.placeholder = {
            WEIGHTED: _("{first}=2 {last}=1: the shares"),
            BY_TAG: _("gold={first} *={last}: who takes which tag, * the rest"),
            BY_DATE: _("2026-05-01={first} *={last}: who takes from which day on, * the rest"),
        }[rule].format(first=first, last=last)
        even = " ".join(f"{shlex.quote(each)}=1" for each in self._to_owners)
        line.value = self._typed.get(rule, even if rule == WEIGHTED else "")

    def _keep(self, line: Input) -> None:
        if self._asked:
            self._typed[self._asked] = line.value

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Enter on a rule: to its shares first, when it needs them."""
        line = self.query_one("#shares", Input)
        if line.display and not line.value.strip():
            line.focus()
        else:
            self.action_take()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter on a line."""
        self.action_take()

    def verb(self) -> str:
        """What the button says."""
        return _("Make the plan")

    def action_take(self) -> None:
        """Check what was typed; answer."""
        text = _narrow(self.query_one("#cap", Input).value).strip()
        if text and not (text.isascii() and text.isdecimal() and 0 < int(text) <= 1_000_000):
            self.refuse(_("The cap is a number of customers, such as 200."))
            return
        rule = self._rules[self.query_one("#rules", OptionList).highlighted or 0][0]
        line = self.query_one("#shares", Input)
        self._keep(line)
        pairs = parse(line.value) if rule in WITH_SHARES else []
        if pairs is None or (rule in WITH_SHARES and not pairs):
            self.refuse(_("Write {example}, blanks between.").format(example=line.placeholder))
            return
        weights = {}
        for key, value in pairs if rule == WEIGHTED else ():
            weight = _number(value)
            if weight is None:
                self.refuse(_("{value} is no share; write a number.").format(value=shown(value)))
                return
            weights[key] = weight
        message = self.query_one("#message", Input).value.strip() if self._on_job else ""
        cap = int(text) if text else None
        self.dismiss(Terms(rule, cap, message, weights, () if weights else tuple(pairs)))


def _narrow(text: str) -> str:
    """Full-width digits and signs as the ASCII they mean."""
    return "".join(ascii_equivalent(each) or each for each in text)


def parse(text: str) -> list[tuple[str, str]] | None:
    """`key=value` pairs with blanks between, quotes around what holds blanks; None when none."""
    try:
        words = shlex.split(text.replace("＝", "=").replace("\u3000", " ").replace("＊", "*"))
    except ValueError:  # a quote that does not end
        return None
    pairs = []
    for word in words:
        key, sign, value = word.rpartition("=")
        if not sign or not key.strip() or not value.strip():
            return None
        pairs.append((key.strip(), value.strip()))
    return pairs


def _number(text: str) -> float | None:
    try:
        value = float(_narrow(text))
    except ValueError:
        return None
    return value if 0 < value < 1_000_000 else None
