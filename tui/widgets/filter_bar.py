"""The filter bar: one line in the filter language, its errors shown below it with their place."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from storeops.i18n import _, aside
from tui.cells import cell_width, shown
from tui.flowing import flowing
from tui.suggestions import Suggestion


class FilterInput(Input):
    """The line itself; Enter and arrow down go to the list, Esc leaves."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,pagedown", "list", show=False),
        Binding("tab", "complete", show=False),
    ]

    class Left(Message):
        """The person goes back to the list."""

    class Complete(Message):
        """Tab: take the first suggestion."""

    def action_list(self) -> None:
        """To the list."""
        self.post_message(self.Left())

    def action_complete(self) -> None:
        """Take the first suggestion, or go on to the next pane."""
        self.post_message(self.Complete())

    def _on_paste(self, event: events.Paste) -> None:
        # a pasted column of names becomes one line; control characters never reach the filter
        text = " ".join(shown(line).strip() for line in event.text.splitlines())
        event.prevent_default()
        event.stop()
        self.insert_text_at_cursor(text)


class FilterBar(Vertical):
    """Filter line, and what is wrong or possible below it."""

    DEFAULT_CSS = """
    FilterBar { height: auto; }
    FilterBar > Horizontal { height: 1; background: $panel; }
    FilterBar #sign { width: 2; color: $accent; text-style: bold; }
    FilterBar #advice { height: auto; display: none; padding: 0 2; color: $text-warning; }
    FilterBar #advice.shown { display: block; }
    """

    class Changed(Message):
        """Other words stand in the filter."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self.suggestions: Sequence[Suggestion] = ()
        self._advice = ""  # what is said below the line

    def compose(self) -> ComposeResult:
        """Sign and line; advice below."""
        with Horizontal():
            yield Static(Content("/ "), id="sign")
            yield FilterInput(
                placeholder=_("name, remark, phone · #tag @owner store: status: way: since: !not"),
                select_on_focus=False,
            )
        yield Static("", id="advice")

    @property
    def line(self) -> FilterInput:
        """The input."""
        return self.query_one(FilterInput)

    @property
    def text(self) -> str:
        """The filter as typed."""
        return self.line.value

    def put(self, text: str) -> None:
        """Replace the filter (a view, a facet) and announce it."""
        line = self.line
        line.value = text
        line.cursor_position = len(text)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typed."""
        event.stop()
        self.post_message(self.Changed(event.value))

    def advise(self, problem: str, position: int | None, suggestions: Iterable[Suggestion]) -> None:
        """What is wrong, a caret below its place, and words that would be valid.

        Args:
            problem: a sentence, "" for none.
            position: index of the character, None when it has no place.
            suggestions: complete tokens, best first; Tab takes the first that is not typed yet.
        """
        known = tuple(suggestions)
        self.suggestions = [each for each in known if not each.typed]
        parts = [f"{shown(each.word)} = {shown(each.name)}" for each in known if each.typed]
        if problem:
            if position is not None:
                parts.append(" " * cell_width(shown(self.text[:position])) + "^")
            parts.append("! " + shown(problem))
        if self.suggestions:
            said = (
                aside(shown(each.word), shown(each.name)) if each.name else shown(each.word)
                for each in self.suggestions
            )
            parts.append(_("Tab: {words}").format(words="  ".join(said)))
        text = "\n".join(parts)
        if text != self._advice:  # another one may be higher: all is laid out anew
            self._advice = text
            advice = self.query_one("#advice", Static)
            advice.set_class(bool(parts), "shown")
            advice.update(flowing(text))
