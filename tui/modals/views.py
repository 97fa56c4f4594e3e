"""Open a saved view or save the present one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from storeops.i18n import _
from storeops.plain import fit, pad
from tui.cells import shown
from tui.customer_repository import NamedLook
from tui.modals.base import BaseModal


class ViewsModal(BaseModal[NamedLook | str]):
    """Answers with the view to open, or with the name to save the present one under.

    Args:
        views: the saved ones.
        command: the present view as a command line.
    """

    def __init__(self, views: Sequence[NamedLook], command: str) -> None:
        super().__init__(_("Views"))
        self._views = views
        self._command = command

    def body(self) -> Iterable[Widget]:
        """The views, and a name to save under."""
        if self._views:
            yield OptionList(
                *(
                    Option(
                        Content.assemble(
                            pad(fit(shown(view.name), 24), 25),
                            (fit(shown(view.look.where), 45), "$text-muted"),
                        )
                    )
                    for view in self._views
                )
            )
        else:
            yield Static(Content(_("No view is saved yet.")))
        yield Static(Content(fit(shown(self._command), 72)), id="line")
        yield Input(placeholder=_("name, to save this view"))

    def hint(self) -> str:
        """What to press."""
        return _("Enter opens a view, or saves under the name typed · Tab changes · Esc leaves.")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Open one."""
        self.dismiss(self._views[event.option_index])

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Save under a name."""
        self.action_take()

    def verb(self) -> str:
        """Save under the name typed."""
        return _("Save")

    def action_take(self) -> None:
        """Save under a name."""
        name = self.query_one(Input).value.strip()
        if name:
            self.dismiss(name)
