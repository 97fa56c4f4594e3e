"""Write remark, description or company of many follows, with placeholders."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import Button, Input, Static

from storeops.changes.marked import Subjects
from storeops.domains.remarks.remark_plan import PLACEHOLDERS, check_placeholders
from storeops.domains.remarks.remarks import LIMITS
from storeops.errors import UsageError
from storeops.i18n import _
from tui.cells import shown
from tui.modals import follows
from tui.modals.base import HouseModal


@dataclass(frozen=True, slots=True)
class RemarkWish:
    """The answer: field → text with placeholders, and whose follows are meant."""

    values: dict[str, str]
    follows: str


class RemarkModal(HouseModal[RemarkWish]):
    """Answers with a wish for the draft.

    Args:
        wish: whom it is about.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,ctrl+s", "take", show=False, priority=True),
        *follows.KEYS,
    ]

    def __init__(self, wish: Subjects) -> None:
        super().__init__(_("Remarks for the draft"))
        self._wish = wish

    def body(self) -> Iterable[Widget]:
        """Whom, three lines, follows."""
        yield Static(Content(follows.whom(self._wish)))
        for field, words in (
            ("remark", _("remark, at most {most} characters")),
            ("description", _("description, at most {most} characters")),
            ("remark_company", _("company, at most {most} characters")),
        ):
            text = words.format(most=LIMITS[field])
            yield Input(placeholder=text, id=field, max_length=1000)
        names = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        yield Static(Content(_("Placeholders: {names}").format(names=names)))
        yield follows.FollowsLine(self._wish)
        yield Static("", id="problem")
        yield Button(Content(_("Add to the draft")), id="take")

    def on_mount(self) -> None:
        """The remark has the keys."""
        self.query_one("#remark", Input).focus()

    def hint(self) -> str:
        """What to press."""
        return _("Empty lines stay as they are · Enter or F6 adds to the draft · Esc leaves.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.action_take()

    def action_follows(self) -> None:
        """Whose follows."""
        self.query_one(follows.FollowsLine).action_next()

    def action_take(self) -> None:
        """Check the placeholders; add to the draft."""
        values = {
            field: value
            for field in ("remark", "description", "remark_company")
            if (value := self.query_one(f"#{field}", Input).value.strip())
        }
        problem = "" if values else _("Write at least one line.")
        for field, value in values.items():
            try:
                check_placeholders(field, value)
            except UsageError as error:
                problem = f"{error.message} {error.hint}"
        if problem:
            self.query_one("#problem", Static).update(Content(shown(problem)))
            return
        self.dismiss(RemarkWish(values, self.query_one(follows.FollowsLine).follows))

    def on_button_pressed(self, event: Button.Pressed) -> None:
        """By mouse."""
        self.action_take()
