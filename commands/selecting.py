"""Options that choose customers, the same for every command, and the query they make.

```python
@app.command("list", help=_("…"))
@selecting
def list_(selection: Selection, sort: Sort = "") -> None:
    query = selected(selection, sort="newest")
```
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import replace
from functools import wraps
from types import SimpleNamespace
from typing import TYPE_CHECKING, Annotated, Any, get_type_hints

import typer

from commands.completing import completion
from commands.context import current
from commands.diagnostics import note
from commands.file_options import File, HeaderRow, Heading, Hidden, SheetName, TableOptions
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
        autocompletion=completion("filter"),
        help=_("Filter, such as '@li #VIP since:7d !has:phone'; see `storeops help filter`."),
    ),
]
View = Annotated[
    str,
    typer.Option(
        "--view", metavar="NAME", autocompletion=completion("view"), help=_("A saved view.")
    ),
]
Store = Annotated[
    list[str] | None,
    typer.Option(
        "--store",
        metavar="STORE",
        autocompletion=completion("store"),
        help=_("In this store: number, name, region or department id; `all` for every store."),
    ),
]
Owner = Annotated[
    list[str] | None,
    typer.Option(
        "--owner",
        metavar="STAFF",
        autocompletion=completion("owner"),
        help=_("Followed by this member: userid or name."),
    ),
]
Tag = Annotated[
    list[str] | None,
    typer.Option(
        "--tag",
        metavar="TAG",
        autocompletion=completion("tag"),
        help=_("With this tag, or group/tag."),
    ),
]
NoTag = Annotated[
    list[str] | None,
    typer.Option(
        "--no-tag",
        metavar="TAG",
        autocompletion=completion("tag"),
        help=_("Without this tag; `*` without any."),
    ),
]
Status = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        metavar="STATUS",
        autocompletion=completion("status"),
        help=_("active, missing, lost, handed_over, unassigned, out_of_scope or deleted."),
    ),
]
State = Annotated[
    list[str] | None,
    typer.Option(
        "--state",
        metavar="STATE",
        autocompletion=completion("state"),
        help=_("Came by this contact way's state; `expo*` for all that begin so."),
    ),
]
Way = Annotated[
    list[str] | None,
    typer.Option(
        "--way",
        metavar="WAY",
        autocompletion=completion("way"),
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
        autocompletion=completion("sort"),
        help=_("newest, oldest or name."),
    ),
]


SAID = 5  # rows of a file that name nobody, one line each
Marked = Annotated[
    str,
    typer.Option(
        "--marked", metavar="NAME", help=_("Customers of a mark; the screens' is “marked”.")
    ),
]
# every option that chooses customers: name, as typed, what stands for "not said"
OPTIONS: dict[str, tuple[Any, Any]] = {
    "where": (Where, ""), "view": (View, ""), "marked": (Marked, ""), "store": (Store, None),
    "owner": (Owner, None), "tag": (Tag, None), "no_tag": (NoTag, None), "status": (Status, None),
    "state": (State, None), "way": (Way, None), "since": (Since, ""), "until": (Until, ""),
}  # fmt: skip
# a file of customers, for commands that do not read more of its rows than that
FILE_OPTIONS: dict[str, tuple[Any, Any]] = {
    "file": (File, ""), "sheet": (SheetName, ""), "header_row": (HeaderRow, 0),
    "hidden": (Hidden, False), "column": (Heading, None),
}  # fmt: skip


def selecting(command: Callable[..., None], *, files: bool = True) -> Callable[..., None]:
    """Give a command the options that choose customers; it is called with their `selection`.

    They stand where the command has `selection`, after its arguments. A command that has a `file`
    of its own reads it itself; any other may choose the customers that a file names.

    Args:
        command: what is called.
        files: false for a plan that could not say its `command` again with a file.
    """
    files = files and "file" not in inspect.signature(command).parameters
    offered = {**OPTIONS, **FILE_OPTIONS} if files else OPTIONS
    hints = get_type_hints(
        SimpleNamespace(__annotations__={
            name: hint for name, hint in command.__annotations__.items() if name != "selection"
        }),
        globalns=command.__globals__,
        include_extras=True,
    )  # fmt: skip

    @wraps(command)
    def called(**options: Any) -> None:
        from storeops.reading.customers import Selection

        said: dict[str, Any] = {name: options.pop(name) for name in OPTIONS}
        said["mark"] = said.pop("marked")
        lists = {
            name: tuple(said[name] or ()) for name, (_, none) in OPTIONS.items() if none is None
        }
        selection = Selection(**{**said, **lists})
        if files:
            how = {name: options.pop(name) for name in FILE_OPTIONS}
            selection = replace(selection, ids=_of_file(how))
        command(selection=selection, **options)

    parameters = []
    for name, each in inspect.signature(command).parameters.items():
        if name == "selection":
            parameters += [
                inspect.Parameter(
                    key, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=kind
                )
                for key, (kind, default) in offered.items()
            ]
        else:
            parameters.append(
                each.replace(kind=inspect.Parameter.KEYWORD_ONLY, annotation=hints[name])
            )
    called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    called.__annotations__ = {each.name: each.annotation for each in parameters}
    return called


def _of_file(how: dict[str, Any]) -> tuple[str, ...] | None:
    """external_userid of the customers that a file names, None without one; what of it names
    nobody is said on stderr."""
    path = how.pop("file")
    source = TableOptions(**how).source(path)
    if source is None:
        return None
    from storeops.changes import follow_requests, sheets

    found, problems = follow_requests.customers_of(
        current().app.data, sheets.read(source, sheets.KEYS)
    )
    kept = [each.message for each in problems if not each.warning]
    for each in kept[:SAID]:
        note(each)
    if len(kept) > SAID:
        note(_("… and {count} more").format(count=len(kept) - SAID))
    return found


def as_options(selection: Selection) -> dict[str, Any]:
    """The options that make this selection, to be typed again."""
    return {name: getattr(selection, "mark" if name == "marked" else name) for name in OPTIONS}


def kept_to_own_store(selection: Selection) -> Selection:
    """The selection within the profile's own shop, and a note of it, unless it names shops itself.

    Raises:
        FilterError: the filter is not understood.
        NotFoundError: there is no such view.
    """
    from storeops.reading.customers import names_store, selection_node

    app = current().app
    own = "" if app.profile.head_office else app.profile.store  # there is no other at a back office
    if not own or selection.store or names_store(selection_node(app.data, selection)):
        return selection
    note(_("Only store {store}, this profile's own; `--store all` for every store.").format(
        store=own))  # fmt: skip
    return replace(selection, store=(own,))


def within_own_store(selection: Selection) -> Selection:
    """`kept_to_own_store` where anything was chosen; without a choice a planner says so itself."""
    from storeops.reading.customers import Selection

    return selection if selection == Selection() else kept_to_own_store(selection)


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
    app.data.map_pages()
    wide = customers.selection_node(app.data, selection)
    node = customers.selection_node(app.data, kept_to_own_store(selection))
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
