"""Wishes about marked customers: each goes into the draft of its kind and sends nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from storeops.changes.action import kind_title
from storeops.i18n import _, ngettext, sentences
from tui.screens.base import BaseScreen, ScreenPart
from tui.screens.customers.marks import Marks
from tui.widgets.bars import Piece

if TYPE_CHECKING:
    from storeops.changes.marked import MarkedCustomers
    from storeops.changes.plans import Plan
    from storeops.mirror.tag_names import Tag
    from tui.modals.remark import RemarkRequest
    from tui.modals.tags import TagRequest


class Drafts(ScreenPart):
    """Gathers changes of the marked customers, or of the one under the cursor, in drafts.

    Args:
        screen: what it belongs to.
        marks: of its list.

    Attributes:
        sizes: kind of plan → rows that its draft holds.
    """

    def __init__(self, screen: BaseScreen, marks: Marks) -> None:
        super().__init__(screen)
        self._marks = marks
        self.sizes: dict[str, int] = {}

    # -- the drafts ----------------------------------------------------------------------------

    def read(self) -> None:
        """Read how many rows the drafts hold."""

        def sizes() -> dict[str, int]:
            from storeops.changes import drafts  # 20 ms, not on the screen's thread

            return drafts.sizes(self.app.core.data)

        self.screen.read(sizes, self._sizes_are, key="drafts")

    def others_wrote(self) -> None:
        """Drafts of another terminal."""
        self.read()

    def _sizes_are(self, sizes: dict[str, int]) -> None:
        if sizes != self.sizes:
            self.sizes = sizes
            self.screen.paint_frame()

    def signs(self) -> list[Piece]:
        """The drafts, with the way to review them."""
        return [
            Piece(
                " " + _("draft: {kind} {count} (p)").format(
                    kind=kind_title(kind), count=f"{count:,}"
                ) + " ",
                "on",
                lambda: self.screen.perform("plan"),
            )
            for kind, count in self.sizes.items()
        ]  # fmt: skip

    def why_not(self, action: str) -> str:
        """Somebody must be meant."""
        if action in ("tag", "remark", "handover"):
            if not self._marks.count and self._marks.table.line is None:
                return _("No customer is marked, and none is under the cursor.")
            return self.app.why_no_write()
        return ""

    # -- requests ------------------------------------------------------------------------------

    def _under_cursor(self) -> int | None:
        line = self._marks.table.line
        return line.key if line is not None and isinstance(line.key, int) else None

    def about_them(self, then: Callable[[MarkedCustomers], None]) -> None:
        """Find out whom it is about, then go on with it."""
        from storeops.changes.marked import subjects

        ledger, key = self.app.core.ledger, self._under_cursor()
        self.screen.read(lambda: subjects(ledger, key), then, key="subjects")

    def do_tag(self) -> None:
        """Choose tags; add them to the draft."""
        from storeops.changes.marked import carried, follows_of
        from storeops.domains.tags.tag_drafts import draft_tags
        from storeops.mirror.tag_names import TagNames
        from tui.modals.tags import TagsModal

        ledger = self.app.core.ledger

        def begin(marked: MarkedCustomers) -> None:
            def library() -> tuple[list[Tag], dict[str, int]]:
                tags = TagNames(ledger.db).tags.values()
                there = [tag for tag in tags if not tag.deleted and tag.name]
                return there, carried(ledger.db, marked)

            def ask(found: tuple[list[Tag], dict[str, int]]) -> None:
                self.screen.open_window(TagsModal(marked, *found), then)

            def then(answer: TagRequest | None) -> None:
                if answer is not None:

                    def put() -> tuple[int, tuple[Plan, int]]:
                        chosen = follows_of(ledger.db, marked, answer.follows)
                        done = draft_tags(ledger, chosen, add=answer.add, remove=answer.remove)
                        return len(chosen.relations), done

                    self.screen.work(put, lambda found: self._drafted(*found))

            self.screen.read(library, ask, key="library")

        self.about_them(begin)

    def do_remark(self) -> None:
        """Write a remark; add it to the draft."""
        from storeops.changes.marked import follows_of
        from storeops.domains.remarks.remark_drafts import draft_remarks, first_remark
        from tui.modals.remark import RemarkModal

        ledger = self.app.core.ledger

        def begin(marked: MarkedCustomers) -> None:
            def then(answer: RemarkRequest | None) -> None:
                if answer is not None:

                    def put() -> tuple[int, tuple[Plan, int]]:
                        chosen = follows_of(ledger.db, marked, answer.follows)
                        done = draft_remarks(ledger, chosen, answer.values)
                        return len(chosen.relations), done

                    self.screen.work(put, lambda found: self._drafted(*found))

            def preview(values: dict[str, str], follows: str) -> str:
                chosen = follows_of(ledger.db, marked, follows)
                return first_remark(ledger, chosen, values)

            self.screen.open_window(RemarkModal(marked, preview), then)

        self.about_them(begin)

    def _drafted(self, asked: int, answer: tuple[Plan, int]) -> None:
        """Say how many follows went into the draft, and where the others stayed."""
        plan, rows = answer
        if rows:
            text = ngettext(
                "{count} follow is in the draft now, which holds {rows}; nothing was sent. "
                "p reviews it.",
                "{count} follows are in the draft now, which holds {rows}; nothing was sent. "
                "p reviews it.",
                rows,
            ).format(count=f"{rows:,}", rows=f"{plan.rows:,}")
        else:
            text = ngettext(
                "They are all so already; the draft holds {rows} row.",
                "They are all so already; the draft holds {rows} rows.",
                plan.rows,
            ).format(rows=f"{plan.rows:,}")
        if 0 < rows < asked:
            text = sentences(text, ngettext(
                "{count} follow is so already.", "{count} follows are so already.", asked - rows
            ).format(count=f"{asked - rows:,}"))  # fmt: skip
        self.app.notify(text)
        self.read()

    def do_handover(self) -> None:
        """To the handover desk, with the owners of the marked customers."""
        line, key = self._marks.table.line, self._under_cursor()
        if self._marks.count:
            self.app.go("handover", "marked")
            return
        if line is None or key is None:
            return

        def marked(count: int) -> None:
            self._marks.changed(count)
            self.app.go("handover", "marked")

        self.screen.confirm(
            _("Hand over {name}?").format(name=line.cells[0]),
            _("No customer is marked. Yes marks the one under the cursor and opens the "
              "handover desk, which plans and sends nothing yet. To hand over several, mark "
              "them first: Space marks one, A all that match."),
            lambda: self._marks.toggle(key, marked),
        )  # fmt: skip

    def do_plan(self) -> None:
        """To the plans, drafts on top."""
        self.app.go("plans", "draft")
