"""Looks at the customer list that are kept: saved and opened as views, written to files."""

from __future__ import annotations

from collections.abc import Callable

from storeops.i18n import _, ngettext
from tui.customer_repository import Look, NamedLook
from tui.screens.base import BaseScreen, ScreenPart
from tui.widgets.customer_list import DEFAULT_COLUMNS


class Views(ScreenPart):
    """Keeps what the list shows.

    Args:
        screen: what it belongs to.
        shown: what the list shows.
        show: lets it show something else.
    """

    def __init__(
        self, screen: BaseScreen, shown: Callable[[], Look], show: Callable[[Look], None]
    ) -> None:
        super().__init__(screen)
        self._shown = shown
        self._show = show

    def do_export(self) -> None:
        """Ask for a file, then write it."""
        from storeops.domains.export.export import FORMATS
        from tui.modals.file import FileModal, Target

        customers, look = self.app.customers, self._shown()

        def then(file: Target | None) -> None:
            if file is None:
                return
            self.app.notify(_("Writing {path} …").format(path=file.path.absolute()))

            def done(rows: int) -> None:
                self.app.notify(
                    ngettext(
                        "{count} row written to {path}.", "{count} rows written to {path}.", rows
                    ).format(count=f"{rows:,}", path=file.path.absolute()),
                    timeout=8,
                )

            self.screen.work(lambda: customers.export(look, file.path, file.over), done)

        what = (
            _("The marked customers of this view are written.")
            if look.marked_only
            else _("All rows of this view are written; M first shows only marked ones.")
        )
        endings = [f".{each}" for each in FORMATS]
        self.screen.open_window(FileModal(what, "customers.csv", endings), then)

    def do_views(self) -> None:
        """Open or save a view."""
        from tui.modals.views import ViewsModal

        def loaded(views: list[NamedLook]) -> None:
            self.screen.open_window(
                ViewsModal(views, self.app.customers.command(self._shown())), chosen
            )

        def chosen(answer: NamedLook | str | None) -> None:
            if isinstance(answer, NamedLook):
                self.open_view(answer)
            elif answer:
                look = self._shown()
                self.screen.work(
                    lambda: self.app.customers.save_view(answer, look),
                    lambda _none: self.app.notify(
                        _("The view {name} is saved.").format(name=answer)
                    ),
                )

        self.screen.read(self.app.customers.views, loaded, key="views")

    def open_view(self, view: NamedLook) -> None:
        """Show a view."""
        look = view.look
        self._show(Look(look.where, look.sort or "newest", look.columns or DEFAULT_COLUMNS))
