"""Audit: who changed what, when, why; and proof that the journal is whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, cast

from textual.content import Content

from storeops.i18n import N_, _
from storeops.operations.audit import Entry, lines
from tui.cells import shown
from tui.fields import fields
from tui.keys import DO, Key
from tui.screens.listing import ListScreen
from tui.times import clock, moment
from tui.widgets.rows import Column, Line

LINES = 20_000


class AuditScreen(ListScreen):
    """The journal, newest first."""

    NAME: ClassVar[str] = "audit"
    KEYS: ClassVar[tuple[Key, ...]] = (
        Key("verify", "V,f8", N_("Verify"),
            N_("Check every line's hash, the chain and its seal."), DO, footer=True),
        *(key for key in ListScreen.KEYS if key.action != "open"),
    )  # fmt: skip

    def columns(self) -> list[Column]:
        """When, who, what."""
        return [
            Column("seq", _("Line"), 7, right=True, keep=5),
            Column("at", _("When"), 16, keep=8),
            Column("who", _("Who"), 10, 1, keep=8),
            Column("kind", _("What"), 14, 1, keep=9),
            Column("plan", _("Plan"), 10, 1, keep=6),
            Column("row", _("Row"), 6, right=True, keep=4),
            Column("subject", _("Customer id"), 16, 2, keep=3),
        ]

    def load(self) -> Sequence[Line]:
        """The newest lines (lane)."""
        found = []
        for entry in lines(self.house.core.data, limit=LINES):
            cells = (
                f"{entry.seq:,}",
                moment(entry.at),
                shown(entry.who),
                shown(entry.kind),
                shown(entry.plan),
                str(entry.row) if entry.row is not None else "",
                _("erased") if entry.erased else shown(entry.subject or ""),
            )
            found.append(Line(entry.seq, cells, "gone" if entry.erased else "", entry))
        return found

    def card(self, line: Line) -> Content:
        """A line whole; phone numbers masked."""
        entry = cast("Entry", line.data)
        rows = [
            (_("When"), clock(entry.at)),
            (_("Who"), entry.who),
            (_("Machine"), entry.machine),
            (_("What"), entry.kind),
            (_("Plan"), entry.plan),
            (_("Row"), str(entry.row) if entry.row is not None else ""),
            (_("Customer id"), entry.subject or ""),
        ]
        rows += [(key, _text(value)) for key, value in entry.payload.items()]
        rows.append((_("Hash"), entry.hash))
        return fields(_("Line {seq}").format(seq=entry.seq), rows)

    def wish(self, line: Line) -> str:
        """The customer of the line."""
        return cast("Entry", line.data).subject or ""

    def command_line(self) -> str:
        """The command."""
        return "storeops audit list"

    def do_verify(self) -> None:
        """Check the whole journal."""
        from storeops.changes.verify import Proof, verify

        ledger = self.house.core.ledger
        self.house.tell(_("Checking the journal …"))

        def then(proof: Proof) -> None:
            if proof.findings:
                steps = tuple(finding.message for finding in proof.findings[:3])
                text = _("The journal is not whole.")
                self.house.tell(text, severity="error", steps=steps)
            else:
                self.house.tell(
                    _("The journal is whole: {lines} lines and their seal agree.").format(
                        lines=f"{proof.lines:,}"
                    )
                )

        self.work(lambda: verify(ledger.db, ledger.journal), then)


def _text(value: object) -> str:
    from storeops.changes.answers import masked

    value = masked(value)
    if isinstance(value, dict):
        return ", ".join(f"{key}: {_text(each)}" for key, each in value.items())
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return str(value)
