"""Where to write a file."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from textual.widget import Widget
from textual.widgets import Input, Static

from storeops.export_file import is_there
from storeops.i18n import _
from tui.cells import shown
from tui.flowing import flowing
from tui.modals.base import BaseModal


@dataclass(frozen=True, slots=True)
class Target:
    """The file to write.

    Attributes:
        path: its name.
        over: the person wants it to replace what has that name.
    """

    path: Path
    over: bool


class FileModal(BaseModal[Target]):
    """Answers with the file to write; an existing one is asked about once.

    Args:
        what: what is written, one sentence.
        name: the file proposed; its ending is the format.
        endings: other formats, too; the ending chooses.
    """

    def __init__(self, what: str, name: str, endings: Sequence[str] = ()) -> None:
        super().__init__(_("Export"))
        self._what = what
        self._proposed = name
        self._endings = endings or [Path(name).suffix]
        self._asked = ""

    def body(self) -> Iterable[Widget]:
        """The file's name."""
        yield Static(flowing(self._what))
        yield Input(value=self._proposed, select_on_focus=False)
        yield Static("", id="problem")

    def hint(self) -> str:
        """What to press, and the formats where there are several."""
        if len(self._endings) > 1:
            return _("The ending chooses the format: {formats}. Enter writes · Esc leaves.").format(
                formats=" ".join(self._endings)
            )
        return _("Enter writes · Esc leaves and changes nothing.")

    def verb(self) -> str:
        """Write it."""
        return _("Write")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter."""
        self.action_take()

    def action_take(self) -> None:
        """Check the path, then answer."""
        path = Path(self.query_one(Input).value.strip()).expanduser()
        problem = ""
        asked = self._asked == str(path)
        if path.suffix.lower() not in self._endings:
            problem = _("The name must end in one of {formats}.").format(
                formats=" ".join(self._endings)
            )
        elif path.is_dir() or not path.parent.is_dir():
            problem = _("There is no folder {folder}.").format(folder=shown(str(path.parent)))
        elif is_there(path) and not asked:
            self._asked = str(path)
            problem = _("{path} exists; Enter once more replaces it.").format(path=shown(str(path)))
        if problem:
            self.refuse(problem)
            return
        self.dismiss(Target(path, over=asked))
