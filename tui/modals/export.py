"""Where to export to."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.i18n import _
from tui.cells import shown
from tui.modals.base import HouseModal

FORMATS = (".csv", ".xlsx", ".ndjson", ".parquet")


class ExportModal(HouseModal[Path]):
    """Answers with the file to write.

    Args:
        marked_only: the view holds marked customers only; said in the text.
        name: the file proposed.
    """

    def __init__(self, *, marked_only: bool = False, name: str = "customers.csv") -> None:
        super().__init__(_("Export"))
        self._marked_only = marked_only
        self._name = name
        self._asked = ""

    def body(self) -> Iterable[Widget]:
        """The file's name."""
        what = (
            _("The marked customers of this view are written.")
            if self._marked_only
            else _("All rows of this view are written; M first shows only marked ones.")
        )
        yield Static(Content(what))
        yield Input(value=self._name, select_on_focus=False)
        yield Static("", id="problem")

    def hint(self) -> str:
        """The formats."""
        return _("The ending chooses the format: {formats}. Enter writes · Esc leaves.").format(
            formats=" ".join(FORMATS)
        )

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter: check the path; an existing file is asked about once."""
        path = Path(event.value.strip()).expanduser()
        problem = ""
        if path.suffix.lower() not in FORMATS:
            problem = _("The name must end in one of {formats}.").format(formats=" ".join(FORMATS))
        elif path.is_dir() or not path.parent.is_dir():
            problem = _("There is no folder {folder}.").format(folder=shown(str(path.parent)))
        elif path.exists() and self._asked != str(path):
            self._asked = str(path)
            problem = _("{path} exists; Enter once more replaces it.").format(path=shown(str(path)))
        if problem:
            self.query_one("#problem", Static).update(Content(problem))
            return
        self.dismiss(path)
