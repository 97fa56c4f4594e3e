"""Where to write a file of one format."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.cells import shown
from tui.modals.base import HouseModal


class FileModal(HouseModal[Path]):
    """Answers with the file to write; an existing one is asked about once.

    Args:
        what: what is written, one sentence.
        name: the file proposed; its ending is the format.
    """

    def __init__(self, what: str, name: str) -> None:
        super().__init__(_("Export"))
        self._what = what
        self._proposed = name
        self._asked = ""

    def body(self) -> Iterable[Widget]:
        """The file's name."""
        yield Static(Content(self._what))
        yield Input(value=self._proposed, select_on_focus=False)
        yield Static("", id="problem")

    def hint(self) -> str:
        """What to press."""
        return _("Enter writes · Esc leaves and changes nothing.")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: check the path."""
        path = Path(event.value.strip()).expanduser()
        ending = Path(self._proposed).suffix
        problem = ""
        if path.suffix.lower() != ending:
            problem = _("The name must end in {ending}.").format(ending=ending)
        elif path.is_dir() or not path.parent.is_dir():
            problem = _("There is no folder {folder}.").format(folder=shown(str(path.parent)))
        elif path.exists() and self._asked != str(path):
            self._asked = str(path)
            problem = _("{path} exists; Enter once more replaces it.").format(path=shown(str(path)))
        if problem:
            self.query_one("#problem", Static).update(Content(problem))
            return
        self.dismiss(path)
