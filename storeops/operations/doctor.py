"""Check a set-up: files, secret, clock, and one harmless read per permission of the app."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from storeops import os_errors, paths, secrets
from storeops.domain import guarded, load, registry
from storeops.errors import AccessError, ConfigError, NetworkError, StoreOpsError
from storeops.i18n import N_, _, ngettext, plural
from storeops.operations.domains import try_strangers
from storeops.os_errors import explain_os, explain_refusal
from storeops.private_file import scratch
from storeops.wecom import errcode_table as table
from storeops.wecom.errcodes import ErrorCondition, lookup
from storeops.wecom.errors import has_condition
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import collecting_lost

if TYPE_CHECKING:
    from storeops.operations.events import EventWiring
    from storeops.operations.wiring import Wiring
    from storeops.wecom.client import WeComClient

Status = Literal["ok", "warning", "failed", "skipped"]
CLOCK_WARN_S = 60.0
TRIED_BYTES = 1 << 20  # a sync's first commits need as much at once


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was checked.

    Attributes:
        check: stable English name.
        title: the same for people.
        status: ok | warning | failed | skipped.
        detail: what was found, one clause.
        fix: what to change and where, "" when nothing.
        errcode: WeCom's code when it said no.
        exit_code: the exit code this failure would end a command with, 0 when it is none.
    """

    check: str
    title: str
    status: Status
    detail: str
    fix: str = ""
    errcode: int | None = None
    exit_code: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return {
            "check": self.check,
            "status": self.status,
            "detail": self.detail,
            "fix": self.fix,
            "errcode": self.errcode,
        }


@dataclass(frozen=True, slots=True)
class Probe:
    """One harmless read that shows whether the app has a permission.

    Attributes:
        check: stable English name.
        title: what the permission is for.
        console: the console page that grants it, and what to do there; some codes name another.
        read: asks; returns what was found, one clause.
    """

    check: str
    title: str
    console: str
    read: Callable[[WeComClient], str]


def _token(client: WeComClient) -> str:
    from storeops.wecom import server

    server.api_domain_ips(client)
    return _("the secret is right and this machine's IP is let in")


def _departments(client: WeComClient) -> str:
    from storeops.wecom import contacts

    return _("{count} departments in the visible scope").format(
        count=len(contacts.list_department_nodes(client))
    )


def _members(client: WeComClient) -> str:
    from storeops.wecom import contacts

    nodes = contacts.list_department_nodes(client)
    if not nodes:
        return _("no department is visible")
    count = len(contacts.list_simple_users(client, nodes[-1].id))
    return ngettext(
        "{count} member in department {id}",
        "{count} members in department {id}",
        count,
    ).format(count=count, id=nodes[-1].id)


def _customer_contact(client: WeComClient) -> str:
    from storeops.wecom import customers

    return plural(
        "{count} member may have customers",
        "{count} members may have customers",
        len(customers.list_follow_users(client)),
    )


def _customers(client: WeComClient) -> str:
    from storeops.wecom import customers
    from storeops.wecom.errors import WeComError

    members = customers.list_follow_users(client)
    if not members:
        return _("no member has customer contact switched on")
    try:
        page = customers.get_by_user(client, members[:1], limit=1)
    except WeComError as error:
        if not has_condition(error, ErrorCondition.NO_RELATION):  # the permission is there
            raise
        return _("customers can be read; the first member has none")
    return _("customers can be read ({count} seen)").format(count=len(page.external_contact_list))


def _tags(client: WeComClient) -> str:
    from storeops.wecom import tags

    groups = tags.list_corp_tags(client)
    return ngettext(
        "{count} tag group",
        "{count} tag groups",
        len(groups),
    ).format(count=len(groups))


def _groups(client: WeComClient) -> str:
    from storeops.wecom import groups

    groups.list_chats(client, limit=1)
    return _("group chats can be listed")


def _handover(client: WeComClient) -> str:
    from storeops.wecom import handover

    handover.list_unassigned(client, page_size=1)
    return _("customers of leavers can be listed")


_CALLABLE = N_(
    "Console: Customers and upstream → Customer contact → API (客户联系 → API): add the app to "
    "可调用接口的应用; when it is there already, the Secret is another app's."
)
_SCOPE = table.SCOPE_PAGE.words
PROBES: tuple[Probe, ...] = (
    Probe(
        "token",
        N_("secret and trusted IP"),
        N_("Console: App management → the app: look at Secret and 企业可信IP."),
        _token,
    ),
    Probe("departments", N_("contacts: departments"), _SCOPE, _departments),
    Probe("members", N_("contacts: members"), _SCOPE, _members),
    Probe("customer_contact", N_("customer contact"), _CALLABLE, _customer_contact),
    Probe("customers", N_("customers"), _CALLABLE, _customers),
    Probe("tags", N_("corp tags"), _CALLABLE, _tags),
    Probe("groups", N_("group chats"), _CALLABLE, _groups),
    Probe("handover", N_("leavers and handover"), _CALLABLE, _handover),
)

_REPEAT = (table.PERMISSION, table.SCOPE)  # advice that only repeats the page


def _where(errcode: int, advice: str, probe: Probe, *, other_secret: bool) -> str:
    """What to do about a refusal: the advice of its code and the page of the console."""
    code = lookup(errcode)
    page = (code.page.words if code.page else "") or probe.console
    if other_secret and code.condition is ErrorCondition.NOT_CALLABLE:
        page = table.OWN_SECRET_PAGE.words
    if any(advice == _(each) for each in _REPEAT):
        return _(page)
    return f"{advice} {_(page)}".strip()


def probe_permissions(client: WeComClient) -> Iterator[Finding]:
    """One finding per permission; after a wrong secret or no line the rest is skipped.

    Args:
        client: the profile's client; every call of this function only reads.
    """
    cut = ""
    other_secret = False  # the kind of secret is what everything else is refused for, too
    for probe in PROBES:
        if cut:
            yield Finding(probe.check, _(probe.title), "skipped", cut)
            continue
        try:
            with collecting_lost() as lost:
                found = probe.read(client)
            if lost:
                found = _("; ").join((found, lost_row(lost[0]).message))
            yield Finding(probe.check, _(probe.title), "ok", found)
        except StoreOpsError as error:
            fix = error.hint
            other_secret |= has_condition(error, ErrorCondition.OTHER_SECRET)
            if error.errcode is not None and isinstance(error, AccessError):
                fix = _where(error.errcode, fix, probe, other_secret=other_secret)
            yield Finding(
                probe.check,
                _(probe.title),
                "failed",
                error.message,
                fix,
                error.errcode,
                int(error.exit_code),
            )
            if probe.check == "token" or isinstance(error, NetworkError):
                cut = _("not asked: the check before failed")


def check_files(profile: str) -> Iterator[Finding]:
    """Modes of everything that holds people, tokens or secrets."""
    if os.name == "nt":
        return
    folder = paths.profile_dir(profile)
    files = [paths.config_file(), paths.secrets_file(), paths.log_file()]
    files += sorted(folder.glob("*.db"))
    open_ = [each for each in (folder, *files) if each.exists() and _readable_by_others(each)]
    title = _("files are private")
    if open_:
        yield Finding(
            "files",
            title,
            "failed",
            _("others may read {path}").format(path=open_[0]),
            "chmod go= " + " ".join(map(str, open_)),
            exit_code=3,
        )
    else:
        yield Finding("files", title, "ok", str(folder))


def _readable_by_others(path: Path) -> bool:
    return bool(stat.S_IMODE(path.stat().st_mode) & 0o077)


def check_secret(profile: str) -> Finding:
    """Whether there is a secret, and where; never what it is."""
    title = _("secret is kept")
    try:
        secret = secrets.get(profile)
    except StoreOpsError as error:
        return Finding("secret", title, "failed", error.message, error.hint, exit_code=3)
    return Finding("secret", title, "ok", secret.source)


def check_clock(app: Wiring, *, answered: bool) -> Finding:
    """How far WeCom's clock is from this machine's.

    Args:
        app: the profile's wiring; its clock has learnt from every answer.
        answered: whether WeCom answered at all; else nothing is known.
    """
    offset = app.clock.offset
    title = _("clock")
    if not answered:
        return Finding("clock", title, "skipped", _("not asked: the check before failed"))
    if abs(offset) <= CLOCK_WARN_S or app.profile.sandbox:
        return Finding(
            "clock", title, "ok", _("{seconds} s from WeCom's").format(seconds=f"{offset:+.0f}")
        )
    return Finding(
        "clock",
        title,
        "warning",
        _("this machine is {seconds} s off; storeops goes by WeCom's clock").format(
            seconds=f"{-offset:+.0f}"
        ),
        _("Switch on time synchronisation of the system."),
    )


def check_receiver(app: EventWiring) -> Iterator[Finding]:
    """Whether callers of the last day went without an answer; nothing where none ever came."""
    if not paths.inbox_db(app.profile.name).exists():
        return
    from storeops.events.listing import standing
    from storeops.operations.events import DAY_S
    from storeops.terms import term

    try:
        found = standing(app.inbox)
        reasons = found.unanswered_since(app.clock.now() - DAY_S)
    except StoreOpsError as error:
        yield Finding(
            "events",
            _("events"),
            "failed",
            error.message,
            error.hint,
            exit_code=int(error.exit_code),
        )
        return
    if not reasons:
        yield Finding("events", _("events"), "ok", _("every caller of the last day was answered"))
        return
    yield Finding(
        "events",
        _("events"),
        "warning",
        _("callers of the last day were not answered: {reasons}").format(
            reasons=_(", ").join(
                f"{term('event_reason', each)} {found.refused[each]}" for each in reasons
            )
        ),
        _(
            "Look whether the disk is full, `ulimit -n` is low or somebody keeps connections open;"
            " `storeops sync run` reads what was missed."
        ),
    )


def check_domains(app: Wiring) -> Iterator[Finding]:
    """What domains check themselves, and domains that cannot be used."""
    try_strangers()
    for found in registry().found:
        if found.domain is None:
            yield Finding(
                f"domain {found.name}",
                _("domain {name}").format(name=found.name),
                "failed",
                _("{package} {version} is left out: {reason}").format(
                    package=found.package, version=found.version, reason=found.reason
                ),
                _("Update or remove that package; the rest works without it."),
                exit_code=3,
            )
    for domain, where in registry().each("checks"):
        findings: list[Finding] = []
        with guarded(domain) as part:
            findings += load(where)(app)
        if part.reason:
            error = part.error if isinstance(part.error, StoreOpsError) else None
            findings.append(
                Finding(
                    f"domain {domain.name}",
                    _("domain {name}").format(name=domain.name),
                    "failed",
                    part.reason,
                    error.hint if error else "",
                    exit_code=int(error.exit_code) if error else 3,
                )
            )
        yield from findings


def check_database(app: Wiring) -> Finding:
    """Whether data.db opens and is of this version."""
    title = _("database")
    path = paths.data_db(app.profile.name)
    if not path.exists():
        return Finding(
            "database", title, "warning", _("there is none yet"), _("Run `storeops sync run`.")
        )
    try:
        rows = app.data.execute("SELECT count(*) FROM customer").fetchone()[0]
        if app.data.stuck is not None:
            raise explain_refusal(app.data.stuck, path)
    except StoreOpsError as error:
        return Finding(
            "database", title, "failed", error.message, error.hint, exit_code=int(error.exit_code)
        )
    return Finding(
        "database",
        title,
        "ok",
        ngettext(
            "{count} customer",
            "{count} customers",
            rows,
        ).format(count=rows),
    )


def why_nothing_can_be_written(folder: Path) -> StoreOpsError | None:
    """What hinders writing in a folder of ours, found by trying; None when nothing does.

    Free bytes that the system tells are not enough: quotas, modes and limits count as well.
    """
    try:
        with scratch(folder / "doctor") as part:
            part.file.write(bytes(TRIED_BYTES))
            part.file.flush()
            os.fsync(part.file.fileno())
    except OSError as error:
        return explain_os(error, folder) or ConfigError(
            _("Nothing can be written in {path}: {text}.").format(
                path=folder, text=os_errors.reason(error)
            )
        )
    return None
