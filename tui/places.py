"""Where the go-anywhere window can lead beyond screens and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.i18n import _
from storeops.notebook.views import list_views
from storeops.reading.customers import names_of
from storeops.reading.overview import department_names, member_names
from tui.fields import quoted

if TYPE_CHECKING:
    from storeops.app import App


def places(core: App) -> list[tuple[str, str, str, str]]:
    """(kind, name, note, filter of the customers it shows): views, shops, tags, members."""
    db = core.data
    found = [(_("view"), view.name, view.filter, view.filter) for view in list_views(db)]
    names = names_of(db)
    for key, name in department_names(db).items():
        shop, word = names.shops.get(key), names.store_word(key)
        found.append(
            (_("shop"), (shop.name if shop else "") or name, word, f"store:{quoted(word)}")
        )
    for tag in names.tags.tags.values():
        if not tag.deleted:
            found.append((_("tag"), tag.name, tag.group, "#" + quoted(names.tags.word(tag))))
    for userid, name in member_names(db):
        word = quoted(names.members.word(userid))
        found.append((_("member"), name or userid, userid, f"@{word}"))
    return found
