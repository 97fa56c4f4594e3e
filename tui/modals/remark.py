"""Write remark, description or company of many follows, with placeholders."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.changes.marked import MarkedCustomers
from storeops.domains.remarks.remark_plan import PLACEHOLDERS, check_placeholders
from storeops.domains.remarks.remarks import LIMITS
from storeops.errors import UsageError
from storeops.i18n import _
from tui.cells import lines, shown
from tui.flowing import flowing
from tui.modals import follows
from tui.modals.base import BaseModal

REST = 0.2  # seconds without a key before the preview is made


@dataclass(frozen=True, slots=True)
class RemarkRequest:
    """The answer: field → text with placeholders, and whose follows are meant."""

    values: dict[str, str]
    follows: str


class RemarkModal(BaseModal[RemarkRequest]):
    """Answers with what the draft gets.

    Args:
        marked: whom it is about.
        preview: (values, whose follows) → what the first one has, and would get (background).
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f6,ctrl+s", "take", show=False, priority=True),
        *follows.KEYS,
    ]

    def __init__(
        self, marked: MarkedCustomers, preview: Callable[[dict[str, str], str], str] | None = None
    ) -> None:
        super().__init__(_("Remarks for the draft"))
        self._marked = marked
        self._preview = preview
        self._rest: Timer | None = None

    def body(self) -> Iterable[Widget]:
        """Whom, three lines, follows."""
        yield Static(Content(follows.whom(self._marked)))
        for field, words in (
            ("remark", _("remark, at most {most} characters")),
            ("description", _("description, at most {most} characters")),
            ("remark_company", _("company, at most {most} characters")),
        ):
            text = words.format(most=LIMITS[field])
            yield Input(placeholder=text, id=field, max_length=1000)
        names = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        yield Static(flowing(_("Placeholders: {names}").format(names=names)))
        yield follows.FollowsLine(self._marked)
        yield Static("", id="preview")
        yield Static("", id="problem")

    def on_mount(self) -> None:
        """The remark has the keys; what is there now is shown."""
        self.query_one("#remark", Input).focus()
        self._look()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typed: show what the first one would get, once nobody has typed for a moment."""
        if self._rest is not None:
            self._rest.stop()
        self._rest = self.set_timer(REST, self._look)

    def _look(self) -> None:
        if self._preview is None:
            return
        preview, values, whose = self._preview, self._values(), self._follows()

        def show(text: str) -> None:
            if self.is_open:
                head = _("The first: {text}") if values else _("The first has now: {text}")
                said = "\n".join(lines(head.format(text=text))) if text else ""
                self.query_one("#preview", Static).update(Content(said))

        # a placeholder that is half typed is no trouble yet
        self.app.background("reads").submit(
            lambda: preview(values, whose), show, lambda _error: None, key="preview"
        )

    def _values(self) -> dict[str, str]:
        return {
            field: value
            for field in ("remark", "description", "remark_company")
            if (value := self.query_one(f"#{field}", Input).value.strip())
        }

    def _follows(self) -> str:
        return self.query_one(follows.FollowsLine).follows

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
        values = self._values()
        problem = "" if values else _("Write at least one line.")
        for field, value in values.items():
            try:
                check_placeholders(field, value)
            except UsageError as error:
                problem = f"{error.message} {error.hint}"
        if problem:
            self.refuse(shown(problem))
            return
        self.dismiss(RemarkRequest(values, self._follows()))

    def verb(self) -> str:
        """What the button says."""
        return _("Add to the draft")
