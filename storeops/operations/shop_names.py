"""From a shop as people name it to WeCom's department."""

from __future__ import annotations

from difflib import get_close_matches

from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _
from storeops.notebook.stores import list_shops


def department_of(db: Database, text: str) -> int:
    """The department id of a shop.

    Args:
        db: data.db.
        text: the shop's code, its name, the department's name, or the department id.

    Raises:
        NotFoundError: no shop is called so.
        UsageError: several departments are called so.
    """
    shops = list_shops(db)
    for shop in shops:
        if shop.code and shop.code.casefold() == text.casefold():
            return shop.department_id
    if text.isdecimal() and text == str(int(text)):  # `0006` is no department id
        row = db.execute("SELECT id FROM department WHERE id = ?", (int(text),)).fetchone()
        if row is not None:
            return int(row[0])
    named = {shop.department_id for shop in shops if shop.name == text}
    named |= {
        int(row[0]) for row in db.execute("SELECT id FROM department WHERE name = ?", (text,))
    }
    if len(named) == 1:
        return named.pop()
    if named:
        raise UsageError(
            _("Several shops are called {text}.").format(text=text),
            hint=_("Use the number of one: {ids}.").format(ids=", ".join(map(str, sorted(named)))),
        )
    known = [shop.code for shop in shops] + [shop.name for shop in shops]
    known += [row[0] for row in db.execute("SELECT name FROM department")]
    near = get_close_matches(text, [each for each in known if each], n=1)
    raise NotFoundError(
        _("There is no shop {text}.").format(text=text),
        hint=_("Did you mean {name}?").format(name=near[0])
        if near
        else _("`storeops store list` shows them all."),
        next_steps=["storeops store list"],
    )
