"""Options that choose customers, the same for every command, and the query they make.

```python
@app.command("list", help=_("…"))
def list_(where: Where = "", view: View = "", store: Store = None, …) -> None:
    query = selected(Selection(where=where, view=view, store=several(store), …), sort="newest")
```
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from commands.completing import offers
from commands.context import current
from commands.diagnostics import note
from storeops.errors import ConfigError
from storeops.i18n import _

if TYPE_CHECKING:
    from storeops.reading.customers import Selection
    from storeops.reading.query import CustomerQuery

Where = Annotated[
    str,
    typer.Option(
        "--where",
        "-w",
        metavar="FILTER",
        autocompletion=offers("filter"),
        help=_("Filter, such as '@li #VIP since:7d !has:phone'; see docs/filter-language.md."),
    ),
]
View = Annotated[
    str,
    typer.Option("--view", metavar="NAME", autocompletion=offers("view"), help=_("A saved view.")),
]
Store = Annotated[
    list[str] | None,
    typer.Option(
        "--store",
        metavar="STORE",
        autocompletion=offers("store"),
        help=_("In this store: number, name, region or department id; `all` for every store."),
    ),
]
Owner = Annotated[
    list[str] | None,
    typer.Option(
        "--owner",
        metavar="STAFF",
        autocompletion=offers("owner"),
        help=_("Followed by this member: userid or name."),
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        "--tag", metavar="TAG", autocompletion=offers("tag"), help=_("With this tag, or group/tag.")
    ),
]
NoTag = Annotated[
    list[str] | None,
    typer.Option(
        "--no-tag",
        metavar="TAG",
        autocompletion=offers("tag"),
        help=_("Without this tag; `*` without any."),
    ),
]
Status = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        autocompletion=offers("status"),
        help=_("active, missing, lost, handed_over, unassigned, out_of_scope or deleted."),
    ),
]
State = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        autocompletion=offers("state"),
        help=_("Came by this contact way's state; `expo*` for all that begin so."),
    ),
]
Way = Annotated[
    list[str] | None,
    typer.Option(
        "--way",
        metavar="WAY",
        autocompletion=offers("way"),
        help=_("How the customer was added: scan, card, group …, or WeCom's number."),
    ),
]
Since = Annotated[
    str,
    typer.Option(
        "--since", metavar="DATE", help=_("Added since: 2026-05-01, 2026-05, 7d, month …")
    ),
]
Until = Annotated[str, typer.Option("--until", metavar="DATE", help=_("Added until, inclusive."))]
Sort = Annotated[
    str,
    typer.Option(
        "--sort",
        metavar="ORDER",
        autocompletion=offers("sort"),
        help=_("newest, oldest or name."),
    ),
]


def several(values: list[str] | None) -> tuple[str, ...]:
    """An option that may be repeated: any of the values."""
    return tuple(values or ())


def selected(selection: Selection, *, sort: str = "newest") -> CustomerQuery:
    """The query of a selection, the profile's own shop included.

    Raises:
        FilterError: the filter is not understood.
        UsageError: no such order.
        ConfigError: the profile's own shop does not exist.
    """
    from storeops.reading import customers
    from storeops.reading.filter import FilterError

    app = current().app
    # one command reads far-apart pages once: mapping them saves a third of the time
    app.data.execute("PRAGMA mmap_size = 2147418112")
    node = customers.selection_node(app.data, selection, app.profile.store)
    wide = customers.selection_node(app.data, selection)
    if node != wide:
        note(_("Only store {store}, this profile's own; `--store all` for every store.").format(
            store=app.profile.store))  # fmt: skip
    try:
        return customers.open_query(app.data, node, now=app.clock.now(), sort=sort)
    except FilterError as error:
        if node == wide:
            raise
        customers.open_query(app.data, wide, now=app.clock.now(), sort=sort)  # its own faults first
        raise ConfigError(
            _("The profile's own store {store} is not known here.").format(store=app.profile.store),
            hint=_(
                "{hint} `storeops profile add {profile} --store CODE` names another one."
            ).format(hint=error.hint, profile=app.profile.name),
            next_steps=["storeops store list"],
        ) from None
