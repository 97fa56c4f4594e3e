"""`storeops hub store`: which shops' back offices may follow head office."""

from __future__ import annotations

import re
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from commands import cells, output
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note, warn
from commands.option_sets import option_sets
from commands.options import Yes
from commands.output import Column
from commands.page_options import PageOptions
from commands.question import confirm
from storeops.i18n import _, ngettext

if TYPE_CHECKING:
    from storeops.hub.credentials import NatsKey
    from storeops.hub.stores import JoinedStore

app = typer.Typer(help=_("Shops that have joined: add, list, give a new key, revoke."))
Store = Annotated[
    str,
    typer.Argument(
        metavar="STORE",
        autocompletion=completion("store"),
        help=_("A shop, by number, department id or name."),
    ),
]
Out = Annotated[
    str, typer.Option("--out", metavar="FILE", help=_("Where the file to join with goes."))
]


def _row(store: JoinedStore) -> dict[str, Any]:
    return {
        "store_code": store.code,
        "store": store.name,
        "department_id": store.department_id,
        "status": store.status,
        "issued_at": cells.iso(store.issued_at),
        "revoked_at": cells.iso(store.revoked_at),
        "last_seen_at": cells.iso(store.last_seen_at),
    }


def _hand_out(store: JoinedStore, key: NatsKey, out: str, text: str) -> None:
    from storeops.hub import joining
    from storeops.hub import settings as hub_settings

    app_ = current().app
    settings = hub_settings.get(app_.profile.name)
    path = _path(store.code, out)
    file = joining.make(settings, app_.profile.corp_id, store, key, time.time() - 5)
    joining.save(file, path)
    note(
        _("{path} is the key of that shop: hand it over safely, and delete it then.").format(
            path=path
        )
    )
    note(_("At the back office: storeops profile join {path}").format(path=shlex.quote(path.name)))
    output.result({**_row(store), "file": str(path)}, text.format(store=store.name, path=path))


def _path(code: str, out: str = "") -> Path:
    """Where the file of a shop goes: its number may hold what no name of a file can."""
    name = re.sub(r"[^\w.-]", "_", code)
    return Path(out or f"{name}.join").expanduser()


def _must_be_free(out: str, code: str) -> None:
    """Refuse before anything is changed what could not be written afterwards."""
    from storeops.errors import ConflictError

    path = _path(code, out)
    if path.exists():
        raise ConflictError(
            _("There is a file {path} already.").format(path=path),
            hint=_("Name another one with --out FILE."),
        )


@app.command("add", help=_("Let a shop join: writes the file that its back office joins with."))
def add(
    store: Annotated[
        str,
        typer.Argument(
            metavar="[STORE]",
            autocompletion=completion("store"),
            help=_("A shop, by number, department id or name."),
        ),
    ] = "",
    every: Annotated[
        bool,
        typer.Option("--all", help=_("Every shop that has a number and has not joined.")),
    ] = False,
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="FILE",
            help=_("Where the file to join with goes; with --all the folder for all of them."),
        ),
    ] = "",
) -> None:  # fmt: skip
    """Nothing is asked of the server: `hub serve` finds the new shop by itself."""
    from storeops.errors import UsageError
    from storeops.hub import settings as hub_settings
    from storeops.hub import stores

    app_ = current().app
    hub_settings.get(app_.profile.name)
    if every == bool(store):
        raise UsageError(_("Name one shop, or say --all."))
    if every:
        _add_all(Path(out or ".").expanduser())
        return
    department = stores.department_of(app_.data, store)
    _must_be_free(out, stores.code_of(app_.data, department))
    joined, key = stores.add(app_.data, store, time.time())
    app_.secure()
    _hand_out(joined, key, out, _("{store} may join with {path}."))


def _add_all(folder: Path) -> None:
    from storeops.errors import ConflictError
    from storeops.hub import joining, stores
    from storeops.hub import settings as hub_settings
    from storeops.os_errors import explain_os

    app_ = current().app
    settings = hub_settings.get(app_.profile.name)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise explain_os(error, folder) or error from None
    taken: set[str] = set()
    for shop in stores.missing(app_.data):
        path = folder / _path(shop.code)
        _must_be_free(str(path), shop.code)
        if path.name.casefold() in taken:
            raise ConflictError(
                _("The files of two shops would be called {path}.").format(path=path.name),
                hint=_("Add one of them alone: storeops hub store add {store} --out FILE").format(
                    store=shlex.quote(shop.code)
                ),
            )
        taken.add(path.name.casefold())
    made = stores.add_all(app_.data, time.time())
    app_.secure()
    for joined, key in made:
        file = joining.make(settings, app_.profile.corp_id, joined, key, time.time() - 5)
        joining.save(file, folder / _path(joined.code))
    if made:
        note(_("Each file is the key of one shop: hand them over safely, and delete them then."))
    else:
        note(
            _(
                "Every shop that has a number has joined. Numbers are given with `storeops store"
                " import FILE`, or for one shop with `storeops store map DEPARTMENT --code NUMBER`"
            )
        )
    output.result(
        {"joined": len(made), "folder": str(folder)},
        ngettext(
            "{count} shop may join with its file in {path}.",
            "{count} shops may join with their files in {path}.", len(made),
        ).format(count=len(made), path=folder),
    )  # fmt: skip


@app.command("list", help=_("List the shops that have joined."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """By number."""
    from storeops.hub import settings as hub_settings
    from storeops.hub import stores

    app_ = current().app
    hub_settings.get(app_.profile.name)
    output.paged(
        map(_row, stores.every(app_.data)),
        [
            Column("store_code", _("Store")),
            Column("store", _("Name")),
            Column("status", _("Status")),
            Column("issued_at", _("Key of"), show=cells.when),
            Column("last_seen_at", _("Last seen"), show=cells.when),
        ],
        page=page,
        empty=_("No shop has joined yet: storeops hub store add STORE"),
    )


@app.command("rotate", help=_("Give a shop's back office a new key; the old one is refused."))
def rotate(store: Store, out: Out = "") -> None:
    """What the back office has stays; it joins once more with the new file."""
    from storeops.hub import stores

    app_ = current().app
    found = stores.find(app_.data, store)
    _must_be_free(out, found.code)
    key = stores.rotate(app_.data, found, time.time())
    app_.secure()
    _refuse_now()
    _hand_out(found, key, out, _("{store} has a new key: {path}."))


@app.command("revoke", help=_("Refuse a shop's back office from now on."))
def revoke(store: Store, yes: Yes = False) -> None:
    """The server cuts its line at once. What it has already read stays there."""
    from storeops.hub import stores

    app_ = current().app
    found = stores.find(app_.data, store)
    if not yes:
        confirm(_("Refuse the back office of {store} from now on?").format(store=found.name))
    stores.revoke(app_.data, found, time.time())
    app_.secure()
    told = _refuse_now(found.department_id)
    output.result(
        {**_row(stores.find(app_.data, store)), "told": told},
        _("{store} is revoked.").format(store=found.name),
    )


def _refuse_now(store: int | None = None) -> bool:
    """Let the server refuse at once; whether it answered."""
    from storeops.errors import AccessError, NetworkError
    from storeops.hub import revoking

    try:
        revoking.refuse_now(current().app, store)
    except (NetworkError, AccessError) as error:
        warn(
            _("The server was not told: {message} `storeops hub serve` tells it.").format(
                message=error.message
            )
        )
        return False
    return True
