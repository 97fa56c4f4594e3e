"""What a domain tells the engines, and the registry that finds domains by name.

A domain is one folder: tables, kinds of change, conditions, screens … about one thing that a chain
cares for. It says what it brings in one frozen `Domain`, by name; a name is "package.module" or
"package.module:attribute" and is imported when somebody asks for what it stands for. Engines know
no domain: they ask this registry. What is built in registers as a third party does, by an entry
point of the group `storeops.domains`:

```toml
[project.entry-points."storeops.domains"]
orders = "acme_orders:DOMAIN"
```

A domain that cannot be used (it does not import, asks for a domain that is not there, brings a
name that is taken) is left out and named by `storeops plugin list`, never fatal.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import nullcontext, redirect_stdout
from dataclasses import Field, dataclass, field, fields
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from storeops import i18n
from storeops.i18n import _

GROUP = "storeops.domains"
OURS = "storeops"  # the distribution of the built-in domains
API = 1  # grows when a Domain of today would no longer be understood
# names that the core itself brings; the rooms that bring them cannot be asked without importing
# them, which would cost every command their time (a test holds the two together)
CORE_NAMES: Mapping[str, tuple[str, ...]] = {
    "nouns": (
        "tui", "customer", "staff", "stats", "plan", "job", "audit", "sync", "events", "status",
        "doctor", "profile", "config", "db", "plugin", "api", "completion", "help", "schema",
        "exit-codes", "version",
    ),
    "screens": ("today", "customers", "staff", "sync", "plans", "jobs", "events", "audit"),
    "scopes": ("departments", "staff", "tags", "follows", "groups", "unassigned"),
    "conditions": (
        "owner", "tag", "store", "status", "state", "way", "since", "until", "type", "gender",
        "has", "group", "owners", "id",
    ),
    "columns": (
        "external_userid", "name", "type", "gender", "unionid", "status", "follows", "createtime",
        "userid", "staff_name", "store", "remark", "remark_mobiles", "add_way", "state",
        "follow_status", "tags",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Noun:
    """A noun of the command line.

    Attributes:
        name: the word after `storeops`.
        module: "package.module" with a `typer.Typer` called `app`.
        help: one line in English, translated when shown.
        group: the heading it stands under in `storeops --help`: look, change, watch, setup or try.
    """

    name: str
    module: str
    help: str
    group: str = "look"


@dataclass(frozen=True, slots=True, kw_only=True)
class ScreenSpec:
    """A full-screen view.

    Attributes:
        name: of the mode.
        key: Textual key name that opens it, "" for none.
        title: English title, translated when shown.
        screen: "package.module:Class".
        help: one sentence.
        sandbox: only there when the profile is a sandbox.
        table: its tab stands in the line of tabs once this table has a row, so that
            those who do not use it have room for the others; "" for always. Key, menu and `:` lead
            there in any case.
    """

    name: str
    key: str = ""
    title: str
    screen: str
    help: str
    sandbox: bool = False
    table: str = ""

    def open(self) -> Any:
        """A new instance of the screen, which learns its name; imports its module."""
        made = load(self.screen)()
        made.NAME = self.name
        return made


@dataclass(frozen=True, slots=True)
class DemoStep:
    """Something to try in the demo.

    Attributes:
        command: what is typed after `storeops`.
        what: it shows, in English, translated when shown.
    """

    command: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskSpec:
    """A task for the night, as `schedule defaults` proposes it.

    Attributes:
        name: of the task.
        cron: five fields, in the time of the setting `time_zone`.
        command: the words behind `storeops`.
        title: what it is for, one line in English, translated when shown.
        calendar: every | workdays | holidays.
        timeout_s: it is ended after so many seconds.
        catch_up: made up for when its moment was slept through.
        more: `module:function` of data.db, which gives further words of the command from what
            this profile knows, such as whom to send to; "" none.
        fits: `module:function` of data.db, which says whether this profile has use for it at all;
            "" always.
        looks: it looks at what other tasks do, and runs after those that are due with it; so do
            tasks of a person's own with the same noun and verb.
    """

    name: str
    cron: str
    command: tuple[str, ...]
    title: str
    calendar: str = "every"
    timeout_s: int = 3600
    catch_up: bool = True
    more: str = ""
    fits: str = ""
    looks: bool = False


@dataclass(frozen=True, slots=True)
class CardSection:
    """What a domain knows of one customer.

    Attributes:
        title: in the user's language.
        lines: (name in the user's language, text); names and texts may be a stranger's.
        data: the same for programs, JSON types.
    """

    title: str
    lines: Sequence[tuple[str, str]] = ()
    data: Any = None


@dataclass(frozen=True, slots=True)
class TodayLine:
    """One line of the morning.

    Attributes:
        text: one sentence in the user's language, short enough for 76 cells.
        next_step: the command that deals with it, "" when nothing is to be done.
        tone: "" | warn | bad.
        screen: name of the screen that deals with it, "" for none.
        request: what that screen shall show.
    """

    text: str
    next_step: str = ""
    tone: str = ""
    screen: str = ""
    request: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Domain:
    """What a domain brings. Every field but `name` and `title` may stay empty.

    Attributes:
        name: stable and English; tables and columns of a third party begin with it.
        title: one line in English for `plugin list`, translated when shown.
        api: the `API` it was written for.
        needs: names of domains whose doors it imports; they are there before it, or it is left out.
        tables: module with `MIGRATIONS` (storeops.database.migrations) for data.db.
        nouns: command modules.
        screens: full-screen views.
        reports: report → function(db, period, now) → `NamedReport` (storeops.operations.reports).
        actions: kind of plan → Action (storeops.changes.action).
        scopes: scope of sync → `SyncScope` (storeops.sync.scopes).
        events: "event/change_type" → `EventReader` (storeops.events.readers).
        at_once: what is done → function(app, event, message), called within a second for every
            event that comes in, perhaps more than once (storeops.operations.at_once).
        conditions: key of the filter language → `Condition` (storeops.reading.conditions).
        columns: column of a customer → `CustomerColumn` (storeops.reading.columns).
        card: section of the customer's card → function(db, customer.id, now) → `CardSection`.
        erase: what is counted → module that forgets a person (storeops.operations.erasure).
        retention: module that says which plans are not over yet, and takes out the rows of those
            that are old (storeops.changes.pruning).
        today: function(db, now) → `TodayLine`s of Today and `status`.
        checks: function(app) → `Finding`s of `doctor` (storeops.operations.doctor).
        shared: tuple of `SharedThing` (storeops.shared_rows): rows that flow to back offices.
        submissions: kind → `SubmissionKind` (storeops.changes.submissions): what a back office may
            ask head office to write that is no plan.
        requests: kinds of its plans that a back office may ask head office for where head office
            (`hub requests rules`) has not said otherwise; their Actions say how such a plan is made
            anew there (`renew`, `asked`).
        approved_requests: the same, where somebody approves each one, however few rows.
        office: its rows are head office's and do not flow: at a back office its commands end with
            11 and say so.
        refreshed: function(db, now), called when facts came in: at the end of a sync, after a round
            of events. It must be quick when nothing concerns it.
        tasks: what `schedule defaults` proposes for the night.
        alarms: kind of alarm → `AlarmKind` (storeops.operations.alarms).
        senders: way of sending → function(app, name, text, ident): hand a text over to be sent to
            `name`; the same ident is sent once.
        composers: way of wording → function(db, id, now) → the text of a message that waited, as it
            is to be now; "" to send nothing any more. Called when it goes out.
        completion: key of completion → function(db, start) → [(value, what it is)].
        demo: function(app) → `DemoStep`s, called once by `storeops demo` when the mirror of a chain
            with a past is synced: it invents what the domain knows beside WeCom.
        catalogue: package with `<language>/LC_MESSAGES/<name>.mo` of its texts.
    """

    name: str
    title: str
    api: int = API
    needs: tuple[str, ...] = ()
    tables: str = ""
    nouns: tuple[Noun, ...] = ()
    screens: tuple[ScreenSpec, ...] = ()
    reports: Mapping[str, str] = field(default_factory=dict)
    actions: Mapping[str, str] = field(default_factory=dict)
    scopes: Mapping[str, str] = field(default_factory=dict)
    events: Mapping[str, str] = field(default_factory=dict)
    at_once: Mapping[str, str] = field(default_factory=dict)
    conditions: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] = field(default_factory=dict)
    card: Mapping[str, str] = field(default_factory=dict)
    erase: Mapping[str, str] = field(default_factory=dict)
    retention: str = ""
    today: str = ""
    checks: str = ""
    shared: str = ""
    submissions: Mapping[str, str] = field(default_factory=dict)
    requests: tuple[str, ...] = ()
    approved_requests: tuple[str, ...] = ()
    office: bool = False
    refreshed: str = ""
    tasks: tuple[TaskSpec, ...] = ()
    alarms: Mapping[str, str] = field(default_factory=dict)
    senders: Mapping[str, str] = field(default_factory=dict)
    composers: Mapping[str, str] = field(default_factory=dict)
    completion: Mapping[str, str] = field(default_factory=dict)
    demo: str = ""
    catalogue: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """A domain as it was found.

    Attributes:
        name: of the entry point.
        package: the distribution that brings it.
        version: of that distribution.
        domain: None when it cannot be used.
        reason: why not, one clause in the user's language.
    """

    name: str
    package: str
    version: str
    domain: Domain | None
    reason: str = ""


def load(where: str) -> Any:
    """What "package.module:attribute" or "package.module" names; imports it now.

    What another package prints while it is imported goes to stderr: stdout holds answers. Only the
    main thread, which prints these, turns stdout away: it is one for all threads.

    Raises:
        ImportError, AttributeError: there is no such thing, or it ends the process.
    """
    module, _colon, attribute = where.partition(":")
    found: Any = sys.modules.get(module)
    if found is None or (attribute and not hasattr(found, attribute)):  # or half imported
        foreign = module.partition(".")[0] not in ("storeops", "commands", "tui")
        alone = threading.current_thread() is threading.main_thread()
        with redirect_stdout(sys.stderr) if foreign and alone else nullcontext():
            try:
                found = import_module(module)
            except SystemExit as error:
                raise ImportError(
                    _("{module} ends the process ({code})").format(module=module, code=error.code),
                    name=module,
                ) from error
    return getattr(found, attribute) if attribute else found


def entry_points(paths: Iterable[str] | None = None) -> Iterator[tuple[str, str, str, str]]:
    """(name, "module:attribute", distribution, version) of every installed entry point of `GROUP`.

    The files are read here, as the specification of entry points lays them out: importing
    importlib.metadata would cost every command 50 ms.

    Args:
        paths: folders to look in; None for sys.path.
    """
    seen: set[str] = set()
    for folder in dict.fromkeys(sys.path if paths is None else paths):
        try:
            files = sorted(Path(folder).glob("*.dist-info/entry_points.txt"))
        except OSError:
            continue
        for file in files:
            try:
                text = file.read_text(encoding="utf-8")
            except (OSError, UnicodeDecodeError):
                continue
            package, _dash, version = file.parent.name.removesuffix(".dist-info").rpartition("-")
            if f"[{GROUP}]" not in text or package in seen:
                continue
            seen.add(package)  # the first on the path is the one that is imported
            for name, where in _section(text):
                yield name, where, package.replace("_", "-"), version


def _section(text: str) -> Iterator[tuple[str, str]]:
    inside = False
    for line in text.splitlines():
        line = line.strip()
        if line.startswith("["):
            inside = line == f"[{GROUP}]"
        elif inside and "=" in line and not line.startswith(("#", ";")):
            name, _equals, where = line.partition("=")
            yield name.strip(), where.split("[")[0].strip()


class Registry:
    """The domains of this process, those they need before them.

    Args:
        points: (name, where, distribution, version) of entry points, as `entry_points` gives them.
        taken: names that the core itself brings, per field of `Domain`.
    """

    def __init__(
        self,
        points: Iterable[tuple[str, str, str, str]],
        taken: Mapping[str, Iterable[str]] | None = None,
    ) -> None:
        self._taken = {kind: set(names) for kind, names in (taken or {}).items()}
        self.found: list[Found] = []
        waiting: list[Found] = []
        for name, where, package, version in points:
            try:
                domain = load(where)
                reason = _unfit(where, domain)
            except Exception as error:  # whatever a stranger's module does
                domain, reason = None, _unimported(error)
            waiting.append(Found(name, package, version, None if reason else domain, reason))
        self._accept(waiting)
        self.domains: tuple[Domain, ...] = tuple(
            each.domain for each in self.found if each.domain is not None
        )

    def _accept(self, waiting: list[Found]) -> None:
        """Those whose needs are met, the built-in ones first, then by name."""
        waiting = sorted(waiting, key=lambda each: (each.package != "storeops", each.name))
        there: set[str] = set()
        while waiting:
            ready = next(
                (each for each in waiting if each.domain and there.issuperset(each.domain.needs)),
                None,
            )
            if ready is None or ready.domain is None:
                break
            waiting.remove(ready)
            clash = self._clash(ready.domain)
            if ready.domain.name in there:
                clash = _("the name {name} is taken").format(name=ready.domain.name)
            if clash:
                self.found.append(Found(ready.name, ready.package, ready.version, None, clash))
                continue
            there.add(ready.domain.name)
            for kind, names in _names(ready.domain):
                self._taken.setdefault(kind, set()).update(names)
            if ready.domain.catalogue:
                i18n.add_catalogue(_folder(ready.domain.catalogue), ready.domain.name)
            self.found.append(ready)
        for left in waiting:
            reason = left.reason
            if left.domain is not None:
                missing = [name for name in left.domain.needs if name not in there]
                reason = _("it needs {names}").format(names=_(", ").join(missing))
            self.found.append(Found(left.name, left.package, left.version, None, reason))

    def _clash(self, domain: Domain) -> str:
        for kind, names in _names(domain):
            for name in names:
                if name in self._taken.get(kind, ()):
                    return _("{name} of its {field} is there already").format(name=name, field=kind)
        return ""

    def loaded(self, domain: Domain, where: str, kind: type[Any] = object) -> Any:
        """What `where` names; None when it cannot be used: the domain is left out from now on.

        Args:
            domain: whose it is.
            where: what the domain named.
            kind: what it is to be.
        """
        try:
            found = load(where)
        except Exception as error:  # whatever a stranger's module does
            self.leave_out(domain, _unimported(error))
            return None
        if not isinstance(found, kind):
            self.leave_out(
                domain, _("{where} is no {kind}").format(where=where, kind=kind.__name__)
            )
            return None
        return found

    def strangers(self) -> tuple[Domain, ...]:
        """The usable domains of other packages."""
        return tuple(each.domain for each in self.found if each.domain and each.package != OURS)

    def at_fault(self, error: BaseException) -> Found | None:
        """The domain of another package in whose code an error was raised; None for ours."""
        whose = {
            where.partition(":")[0].partition(".")[0]: each
            for each in self.found
            if each.domain is not None and each.package != OURS
            for where in _parts(each.domain)
        }
        trace, found = error.__traceback__, None
        while trace is not None:
            name = str(trace.tb_frame.f_globals.get("__name__", ""))
            found = whose.get(name.partition(".")[0], found)
            trace = trace.tb_next
        if found is None and isinstance(error, ImportError | AttributeError):  # it lacks something
            lacks = getattr(getattr(error, "obj", None), "__name__", error.name) or ""
            found = whose.get(lacks.partition(".")[0])
        return found

    def stranger_of(self, screen: str) -> Found | None:
        """Whose a screen is, when it is of another package."""
        for each in self.found:
            if (
                each.domain is not None
                and each.package != OURS
                and any(spec.name == screen for spec in each.domain.screens)
            ):
                return each
        return None

    def try_strangers(self) -> None:
        """Import all that domains of other packages name: what cannot be used is left out now."""
        for domain in self.strangers():
            for where in _parts(domain):
                if any(each is domain for each in self.domains):
                    self.loaded(domain, where)

    def leave_out(self, domain: Domain, reason: str) -> None:
        """Do without a domain, and those that need it, from now on.

        Args:
            domain: one of `domains`.
            reason: why, one clause in the user's language.
        """
        self.domains = tuple(each for each in self.domains if each is not domain)
        self.found = [
            Found(each.name, each.package, each.version, None, reason)
            if each.domain is domain
            else each
            for each in self.found
        ]
        for other in self.domains:
            if domain.name in other.needs:
                self.leave_out(other, _("it needs {names}").format(names=domain.name))

    def named(self, kind: str) -> dict[str, tuple[Domain, Any]]:
        """name → (domain, what it says) of one field of `Domain`, in the order of domains.

        Args:
            kind: nouns, screens, actions, scopes, events, at_once, conditions, columns, card,
                erase, tasks, alarms, senders, composers, reports or completion.
        """
        found: dict[str, tuple[Domain, Any]] = {}
        for domain in self.domains:
            value = getattr(domain, kind)
            if isinstance(value, Mapping):
                found.update({name: (domain, each) for name, each in value.items()})
            else:
                found.update({each.name: (domain, each) for each in value})
        return found

    def each(self, kind: str) -> list[tuple[Domain, str]]:
        """(domain, where) of those that fill a field that is one name, like `tables`."""
        return [(each, getattr(each, kind)) for each in self.domains if getattr(each, kind)]


def _folder(package: str) -> Path:
    return Path(next(iter(import_module(package).__path__)))


def _unimported(error: Exception) -> str:
    return _("it cannot be imported: {error}").format(error=f"{type(error).__name__}: {error}")


def _unfit(where: str, domain: Any) -> str:
    """Why what an entry point names cannot be used, "" when it can."""
    if not isinstance(domain, Domain):
        return _("{where} is no Domain").format(where=where)
    if domain.api > API:
        return _("it was written for a newer storeops (api {number})").format(number=domain.api)
    odd = next((each.name for each in fields(domain) if not _fits(each, domain)), "")
    return _("its {field} is not what a Domain takes").format(field=odd) if odd else ""


def _fits(said: Field[Any], domain: Domain) -> bool:
    """Whether a field of a Domain holds what it is to hold."""
    value = getattr(domain, said.name)
    members = {"nouns": Noun, "screens": ScreenSpec, "tasks": TaskSpec, "needs": str}
    if said.name in ("requests", "approved_requests"):
        return isinstance(value, tuple) and all(each in domain.actions for each in value)
    if said.name in members:
        return isinstance(value, tuple) and all(
            isinstance(each, members[said.name]) for each in value
        )
    if said.default_factory is dict:
        return isinstance(value, Mapping) and all(
            isinstance(each, str) for pair in value.items() for each in pair
        )
    return isinstance(value, {"api": int, "office": bool}.get(said.name, str))


def _names(domain: Domain) -> Iterator[tuple[str, Sequence[str]]]:
    for each in fields(domain):
        value = getattr(domain, each.name)
        if isinstance(value, Mapping):
            yield each.name, list(value)
        elif each.name in ("nouns", "screens", "tasks"):
            yield each.name, [one.name for one in value]


def _parts(domain: Domain) -> Iterator[str]:
    """Whatever a domain names: modules, and things in them."""
    for each in fields(domain):
        value = getattr(domain, each.name)
        if isinstance(value, Mapping):
            named = list(value.values())
        elif each.name == "nouns":
            named = [f"{noun.module}:app" for noun in value]
        elif each.name == "screens":
            named = [spec.screen for spec in value]
        else:
            named = [value] if isinstance(value, str) and each.name not in ("name", "title") else []
        yield from (where for where in named if where)


@cache
def registry() -> Registry:
    """The registry of this process; found once."""
    return Registry(entry_points(), CORE_NAMES)


class guarded:
    """Around what a domain adds to somebody else's page: a fault of it costs that part alone.

    The fault goes to the log, and `reason` is left for the page to say. A person's or a signal's
    wish to stop is no fault and goes through.

    ```python
    with guarded(domain) as part:
        lines += load(where)(db, now)
    if part.reason:
        ...
    ```

    Attributes:
        reason: one clause in the user's language; "" when all went well.
    """

    def __init__(self, domain: Domain) -> None:
        self._domain = domain
        self.reason = ""
        self.error: Exception | None = None

    def __enter__(self) -> guarded:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> bool:
        from storeops.errors import ExitCode, StoreOpsError

        if not isinstance(error, Exception):
            return False
        if isinstance(error, StoreOpsError):
            if error.exit_code == ExitCode.INTERRUPTED:
                return False
            self.reason = error.message
        else:
            self.reason = _("it failed; the log has the details")
        import logging

        self.error = error
        logging.getLogger("storeops.domain").error(
            "the domain %s failed", self._domain.name, exc_info=error
        )
        return True

    def sentence(self) -> str:
        """Which domain's part is left out, and why."""
        return _("The part of {domain} is left out: {reason}").format(
            domain=self._domain.name, reason=self.reason
        )


def has_rows(db: Any, table: str) -> bool:
    """Whether a table that a domain names has any row; one that is not made yet has none.

    Args:
        db: data.db.
        table: `ScreenSpec.table`.
    """
    import sqlite3

    try:
        return db.execute(f"SELECT 1 FROM {table} LIMIT 1").fetchone() is not None
    except sqlite3.Error:  # nothing can be written here, so nobody made it
        return False


def today(db: Any, now: float) -> list[tuple[str, TodayLine]]:
    """(domain, line) of what domains have to say this morning.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
    """
    found: list[tuple[str, TodayLine]] = []
    for domain, where in registry().each("today"):
        with guarded(domain) as part:
            found += [(domain.name, line) for line in load(where)(db, now)]
        if part.reason:
            found.append((domain.name, TodayLine(part.sentence(), tone="bad")))
    return found


def refreshed(db: Any, now: float) -> None:
    """Tell domains that facts came in; a fault of one goes to the log and costs nothing else.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
    """
    for domain, where in registry().each("refreshed"):
        with guarded(domain):
            load(where)(db, now)


def card_sections(db: Any, customer: int, now: float) -> list[tuple[str, CardSection]]:
    """(section, what it says) of what domains know of a customer; empty ones are left out.

    Args:
        db: data.db.
        customer: customer.id.
        now: WeCom's time, Unix seconds.
    """
    found: list[tuple[str, CardSection]] = []
    for name, (domain, where) in registry().named("card").items():
        with guarded(domain) as part:
            section: CardSection | None = load(where)(db, customer, now)
            if section is not None and (section.lines or section.data):
                found.append((name, section))
        if part.reason:
            lines = ((_("Left out"), part.reason),)
            found.append((name, CardSection(_(domain.title), lines)))
    return found
