"""`storeops profile`: companies and their apps, one database each."""

from __future__ import annotations

import re
import sys
import threading
from dataclasses import replace
from typing import Annotated, Any

import typer

from commands import output
from commands.completing import completion
from commands.context import current
from commands.diagnostics import note, warn
from commands.option_sets import option_sets
from commands.options import Yes
from commands.output import Column
from commands.page_options import PageOptions
from storeops import config, paths, secrets
from storeops.config import WECOM_URL, Profile
from storeops.errors import AccessError, ConfigError, ConflictError, StoreOpsError, UsageError
from storeops.i18n import _, labelled
from storeops.plain import plain

app = typer.Typer(help=_("Companies: one profile is one corp, one app and its database."))
Name = Annotated[
    str,
    typer.Argument(
        metavar="NAME", autocompletion=completion("profile"), help=_("The profile's name.")
    ),
]


@app.command("add", help=_("Add a company, or change the profile of that name."))
def add(
    name: Name,
    corp_id: Annotated[
        str,
        typer.Option("--corp-id", metavar="ID", help=_("The corpid: ww and 16 letters or digits.")),
    ] = "",
    agent_id: Annotated[
        int | None, typer.Option("--agent-id", metavar="N", help=_("The app's number."))
    ] = None,
    base_url: Annotated[
        str, typer.Option("--base-url", metavar="URL", help=_("Where the API answers."))
    ] = "",
    store: Annotated[
        str | None,
        typer.Option("--store", metavar="CODE", help=_("One shop as the default of every view.")),
    ] = None,
    secret_stdin: Annotated[
        bool, typer.Option("--secret-stdin", help=_("Read the app's secret from stdin."))
    ] = False,
    no_check: Annotated[
        bool, typer.Option("--no-check", help=_("Save the secret without trying it at WeCom."))
    ] = False,
    default: Annotated[
        bool, typer.Option("--default", help=_("Make it the default profile."))
    ] = False,
) -> None:
    """Try the secret, then write the profile and the secret."""
    from storeops.operations import ownership

    if not paths.valid_profile_name(name):
        raise UsageError(
            _("{name} cannot name a profile.").format(name=name),
            hint=_("Use letters, digits, _ . - and at most 64 of them."),
        )
    loaded = config.load()
    known = loaded.profiles.get(name)
    corp_id = corp_id or (known.corp_id if known else "") or _ask(_("corpid"))
    if not corp_id:
        raise UsageError(
            _("{name} is missing.").format(name="--corp-id"),
            hint=_("The corpid stands in the console: My Company → Company information."),
        )
    # another company begins with nothing of the old one: no address, no app, no shop
    kept = known if known is not None and known.corp_id == corp_id else None
    profile = kept or Profile(name=name, corp_id=corp_id)
    changes: dict[str, Any] = {}
    if agent_id is not None:
        changes["agent_id"] = agent_id
    if base_url:
        changes.update(base_url=base_url, sandbox=False)
    if store is not None:
        changes["store"] = store
    profile = replace(profile, **changes)
    _must_be_corp(profile)
    if known is None:
        ownership.refuse_same_variable(name, loaded)
    ownership.may_become(known, profile)
    if profile.sandbox and secret_stdin:
        raise ConflictError(
            _("The profile {name} is a sandbox's: the secret would go to {address}.").format(
                name=name, address=profile.base_url
            ),
            hint=_("Add the real company under another name; nothing was saved."),
            next_steps=["storeops profile add NAME --corp-id ID"],
        )
    other_app = kept is None or (0 != kept.agent_id != profile.agent_id)
    entered = "" if profile.sandbox else _read_secret(profile, secret_stdin, ask=other_app)
    reached = (profile.corp_id, profile.agent_id, profile.base_url)
    same = kept is not None and reached == (kept.corp_id, kept.agent_id, kept.base_url)
    check = "not tried"
    if not no_check and not profile.sandbox and (entered or not same):
        check = _try(profile, entered or secrets.get(name).reveal())
    ownership.save(profile, make_default=default)
    if entered:
        secrets.save(name, entered)
    if kept is not None and other_app:
        note(_("Another app may see other customers: the next sync tells who is out of its scope."))
    note(_("Check it with `storeops doctor --profile {name}`.").format(name=name))
    output.result(
        {**_row(name), "secret_check": check},
        _("The profile {name} is saved.").format(name=name),
    )


def _try(profile: Profile, secret: str) -> str:
    """How WeCom took the secret: works, ip or unanswered; a refused one raises."""
    from storeops.clock import SystemClock
    from storeops.operations.secret_check import try_secret

    stop = threading.Event()
    with current().interruptible(stop=stop):
        try:
            tried = try_secret(profile, secret, SystemClock(), stop)
        except AccessError as error:
            error.hint = _("{hint} Nothing was saved; --no-check saves it untried.").format(
                hint=error.hint
            )
            raise
    if tried.error is None:
        note(_("WeCom takes the secret, and lets this machine in."))
    elif tried.status == "ip":
        warn(
            _("WeCom takes the secret, but: {message} {hint}").format(
                message=tried.error.message, hint=tried.error.hint
            )
        )
    else:
        warn(_("The secret could not be tried: {message}").format(message=tried.error.message))
    return tried.status


def _must_be_corp(profile: Profile) -> None:
    """Refuse what cannot be a corpid, where WeCom itself answers (doc 90665)."""
    if profile.base_url == WECOM_URL and not re.match(r"w[wx][A-Za-z0-9]{16}\Z", profile.corp_id):
        raise UsageError(
            _("{text} cannot be a corpid: it is ww and 16 letters or digits.").format(
                text=plain(profile.corp_id)
            ),
            hint=_("The corpid stands in the console: My Company → Company information."),
        )


@app.command("join", help=_("Become a shop's back office, with the file that head office gave."))
def join(
    file: Annotated[str, typer.Argument(metavar="FILE", help=_("The file from head office."))],
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help=_("The profile's name; else the shop's."))
    ] = "",
    default: Annotated[
        bool, typer.Option("--default", help=_("Make it the default profile."))
    ] = False,
) -> None:
    """A profile without a secret: it follows head office."""
    from pathlib import Path

    from storeops.hub import joining, joining_hosts

    host = joining_hosts.load(Path(file).expanduser())
    if host is not None:
        made = joining_hosts.join(host, name, make_default=default)
        note(_("Next: storeops --profile {name} hub serve").format(name=made.name))
        note(_("The file holds the app's secret: delete it now."))
        output.result(
            _row(made.name),
            _("{name} is head office on this host ({host}), too.").format(
                name=made.name, host=host.name
            ),
        )
        return
    found = joining.load(Path(file).expanduser())
    name = name or f"shop-{found.store_code}"
    joining.join(found, name, make_default=default)
    note(_("Next: storeops --profile {name} hub follow --once").format(name=name))
    note(_("The file holds this shop's key: delete it now."))
    output.result(
        _row(name),
        _("{name} is the back office of {store}.").format(name=name, store=found.store_name),
    )


@app.command("list", help=_("List the profiles."))
@option_sets
def list_(page: PageOptions = PageOptions(limit=500)) -> None:
    """Print one row per profile; `*` marks the default."""
    loaded = config.load()
    default = _default_name(loaded)
    rows = [{**_row(name), "default": name == default} for name in loaded.profiles]
    output.paged(
        rows,
        [
            Column("name", _("Profile")),
            Column("default", _("Default"), show=lambda value: "*" if value else ""),
            Column("corp_id", _("Corp")),
            Column("agent_id", _("App"), right=True),
            Column("base_url", _("Address")),
            Column("store", _("Store")),
            Column("secret", _("Secret"), kind="whole", minor=1),
        ],
        page=page,
        empty=_("No profile is set up yet. Begin with `storeops demo` or `storeops profile add`."),
    )


@app.command("use", help=_("Make a profile the default."))
def use(name: Name) -> None:
    """Set the default profile."""
    with config.editing() as write:
        loaded = config.load()
        loaded.choose(name)
        write(replace(loaded, profile=name))
    output.result({"profile": name}, _("{name} is the default now.").format(name=name))


@app.command("show", help=_("Show a profile; its secret is never shown."))
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="[NAME]", autocompletion=completion("profile"), help=_("The profile's name.")
        ),
    ] = "",
) -> None:
    """Print one profile."""
    chosen = config.load().choose(name or current().settings.profile or None)
    output.item(
        _row(chosen.name),
        [
            Column("name", _("Profile")),
            Column("corp_id", _("Corp")),
            Column("agent_id", _("App")),
            Column("base_url", _("Address")),
            Column("store", _("Store")),
            Column("read_only", _("Read-only")),
            Column("sandbox", _("Sandbox")),
            Column("head_office", _("Head office")),
            Column("allow", _("Allowed changes")),
            Column("secret", _("Secret"), kind="whole", minor=1),
            Column("database", _("Database")),
        ],
    )


@app.command("remove", help=_("Forget a profile and its secret; with --data its files too."))
def remove(
    name: Name,
    data: Annotated[
        bool, typer.Option("--data", help=_("Delete its databases as well, journal and notes."))
    ] = False,
    yes: Yes = False,
) -> None:
    """Remove the profile."""
    config.load().choose(name)
    kept = paths.backups_path(name)
    if data:
        from storeops.operations.ownership import remove_files

        if not yes:
            from commands.question import type_to_confirm

            type_to_confirm(
                _("This deletes mirror, notes, plans and journal of {name} for good.").format(
                    name=name
                ),
                name,
            )
        remove_files(name)
    secrets.forget(name)
    config.remove_profile(name)
    if data and kept.is_dir():
        note(_("Its backups stay in {path}.").format(path=kept))
    output.result(
        {"removed": name, "data": data}, _("The profile {name} is removed.").format(name=name)
    )


def _default_name(loaded: config.Config) -> str:
    try:
        return loaded.choose().name
    except StoreOpsError:
        return ""


def _row(name: str) -> dict[str, Any]:
    profile = config.load().profiles[name]
    try:
        secret = secrets.find(name)
        source = secret.source if secret else None
    except ConfigError as error:
        source = error.message
    return {
        "name": name,
        "corp_id": profile.corp_id,
        "agent_id": profile.agent_id,
        "base_url": profile.base_url,
        "store": profile.store,
        "read_only": profile.read_only,
        "sandbox": profile.sandbox,
        "head_office": profile.head_office,
        "allow": list(profile.allow) if profile.allow is not None else None,
        "secret": source,
        "database": str(paths.data_db(name)),
        "official": profile.base_url == WECOM_URL,
    }


def _ask(word: str) -> str:
    if not current().interactive:
        return ""
    print(labelled(word, ""), end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip()


def _read_secret(profile: Profile, from_stdin: bool, *, ask: bool) -> str:
    """The secret to keep; "" when there is one already, and it is this app's (`ask` is False).

    One in the environment is taken for the app's: whoever set it meant it.
    """
    name = profile.name
    if from_stdin:
        entered = sys.stdin.readline().strip()
    elif (found := secrets.find(name)) is not None and (
        not ask or found.source == secrets.variable(name)
    ):
        return ""
    elif current().interactive:
        import getpass

        entered = getpass.getpass(_("Secret of the app (not shown): "), sys.stderr).strip()
    else:
        raise ConfigError(
            _("The profile {name} has no secret.").format(name=name),
            hint=_("Pipe it in with --secret-stdin, or set {variable} in the environment.").format(
                variable=secrets.variable(name)
            ),
            next_steps=[
                f"storeops profile add {name} --corp-id {profile.corp_id}"
                f" --agent-id {profile.agent_id} --secret-stdin < FILE"
            ],
        )
    if not entered or not entered.isprintable() or " " in entered:
        raise UsageError(
            _("That is not a secret: it is empty or holds blanks."),
            hint=_("Copy it from the app's page in the console; nothing was saved."),
        )
    return entered
