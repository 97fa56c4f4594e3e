"""Where the go-anywhere window can lead beyond screens and actions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from storeops.i18n import _
from storeops.mirror.members import Members
from storeops.notebook.stores import list_shops
from storeops.notebook.views import list_views
from storeops.reading.overview import department_names, member_names, tags
from tui.fields import quoted

if TYPE_CHECKING:
    from storeops.app import App


def places(core: App) -> list[tuple[str, str, str, str]]:
    """(kind, name, note, filter of the customers it shows): views, shops, tags, members."""
    db = core.data
    found = [(_("view"), view.name, view.filter, view.filter) for view in list_views(db)]
    codes = {shop.department_id: shop for shop in list_shops(db)}
    for key, name in department_names(db).items():
        shop = codes.get(key)
        code = shop.code if shop and shop.code else str(key)
        found.append(
            (_("shop"), (shop.name if shop else "") or name, code, f"store:{quoted(code)}")
        )
    for tag in tags(db):
        if not tag.deleted:
            name = f"{tag.group}/{tag.name}" if tag.group else tag.name
            found.append((_("tag"), tag.name, tag.group, "#" + quoted(name)))
    members = Members(db.connection)
    for userid, name in member_names(db):
        word = quoted(members.word(userid))
        found.append((_("member"), name or userid, userid, f"@{word}"))
    return found
