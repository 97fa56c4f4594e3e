"""What keeps rooms apart: import circles, class names, and where the SQL of a table stands."""

from __future__ import annotations

import ast
import functools
import re
from collections import defaultdict
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.meta import source

ROOT = Path(__file__).parents[2]
FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ("storeops", "commands", "tui")
    for path in sorted((ROOT / folder).rglob("*.py"))
}
OURS = [name for name in FILES if not name.startswith("storeops.sandbox.")]


@functools.cache
def trees() -> dict[str, ast.Module]:
    """Every module of ours, parsed: seconds, which only those pay who ask."""
    return {name: source.tree(path) for name, path in FILES.items()}


# -- import circles -------------------------------------------------------------------------------


def imported(body: list[ast.stmt]) -> Iterator[str]:
    """Modules of ours that are imported when the module is; not those for types alone."""
    for node in body:
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                yield inner if inner in FILES else node.module
        elif isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from imported(node.orelse)
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            for part in ("body", "orelse", "handlers", "finalbody"):
                yield from imported(getattr(node, part, []))


def referred(tree: ast.Module) -> Iterator[str]:
    """Modules of ours that are imported anywhere: in functions and for types alone too."""
    imports = [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]
    return imported(list(imports))


def in_circles(needs: dict[str, set[str]]) -> list[str]:
    """What is left when all is taken away, again and again, that needs nothing of the rest."""
    left = {name: (each & needs.keys()) - {name} for name, each in needs.items()}
    while free := [name for name, each in left.items() if not each & left.keys()]:
        for name in free:
            del left[name]
    return sorted(left)


def test_modules_import_each_other_in_no_circle() -> None:
    left = in_circles({name: set(imported(tree.body)) for name, tree in trees().items()})
    assert not left, f"these import each other, or what does: {left}"


def test_screens_know_each_other_in_no_circle() -> None:
    """Not in functions or for types either: a part gets what it needs by its constructor."""
    screens = {name: tree for name, tree in trees().items() if name.startswith("tui.")}
    left = in_circles({name: set(referred(tree)) for name, tree in screens.items()})
    assert not left, f"these know each other, or what does: {left}"


# -- class names ----------------------------------------------------------------------------------


def test_a_class_name_means_one_thing() -> None:
    where = defaultdict(list)
    for name in OURS:
        for node in ast.walk(trees()[name]):
            if isinstance(node, ast.ClassDef):
                where[node.name].append(name)
    double = {name: places for name, places in where.items() if len(places) > 1}
    assert not double


# Words that hid what things are; the field's own word stands there now.
RETIRED = re.compile(
    r"beat|book|desk|door|farewell|foresight|givers?|halt|house|intend|keeper|knock|lane"
    r"|offers|overview|pulse|says|sieve|takers?|tally|teach|tells?|tidy|twin|unheard|wish(?:ed|es)?"
)
CONTRACTS = {"handover_taker_errors"}  # names of settings, which people have written down


def retired(name: str) -> bool:
    """Whether a word of `HandoverDesk` or `handover_desk` is retired."""
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower().split("_")
    return any(map(RETIRED.fullmatch, words)) and name not in CONTRACTS


def test_retired_words_name_nothing() -> None:
    found = {name for name in FILES if retired(name.rpartition(".")[2])}
    for module, tree in trees().items():
        for node in ast.walk(tree):
            match node:
                case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.arg(arg=name):
                    pass
                case ast.AnnAssign(target=ast.Name(id=name)):
                    pass
                case _:
                    continue
            if retired(name):
                found.add(f"{module}: {name}")
    assert not found


# -- the SQL of a table ---------------------------------------------------------------------------

CREATE = re.compile(r"CREATE (?:VIRTUAL )?TABLE (?:IF NOT EXISTS )?(\w+)")
WRITE = re.compile(r"\b(?:INTO|DELETE FROM|UPDATE(?: OR \w+)?) (\w+)")
READ = re.compile(r"\b(?:FROM|JOIN) (\w+)")

# Declared in the mirror's first migration, kept by the engine that reads WeCom.
OF_SYNC = re.compile(r"sync_\w+|staff_coverage")

# The rule: SQL stands in the room that owns the table. By design the reading room reads facts and
# what people added, for everybody else; nobody else does.
MAY_READ = {
    "reading": {"mirror", "notebook", "sync"},
    "domains.notebook": {"notebook"},  # its words for the filter language
    "domains.stores": {"notebook"},
}

# A userid that WeCom changed moves in every table of the member, in one transaction.
MAY_WRITE = {"storeops.mirror.identity": {"staff_coverage"}}

# What does not keep the rule yet: how often a module reads a table of another room. It may only
# become less; most are planners of a domain that ask follows and staff.
MOST = {
    "changes": 11,
    "domains.groups": 3,
    "domains.handover": 47,
    "domains.notebook": 1,
    "domains.remarks": 1,
    "domains.sandbox": 8,
    "domains.stores": 1,
    "domains.tags": 8,
    "events": 7,
    "mirror": 2,
    "notebook": 1,
    "operations": 27,
    "sync": 16,
}


def room(module: str) -> str:
    """The folder that a module belongs to: storeops/X, storeops/domains/X, commands, tui."""
    parts = module.split(".")
    if parts[0] != "storeops":
        return parts[0]
    return ".".join(parts[1:3]) if parts[1] == "domains" else parts[1]


def texts(tree: ast.Module) -> Iterator[str]:
    """String literals that are not docstrings; f-strings with {} for what is put in."""
    skip = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr):
            skip.add(node.value)
        elif isinstance(node, ast.JoinedStr) and node not in skip:
            skip.update(node.values)
            yield "".join(
                str(each.value) if isinstance(each, ast.Constant) else "{}" for each in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in skip:
            yield node.value


@functools.cache
def owners() -> dict[str, str]:
    """Table → room, from the rooms' own declarations."""
    found = {}
    for name in OURS:
        for text in texts(trees()[name]):
            for table in CREATE.findall(text):
                found[table] = "sync" if OF_SYNC.fullmatch(table) else room(name)
    return found


def strangers(pattern: re.Pattern[str]) -> dict[str, dict[str, set[str]]]:
    """Room → module → tables of other rooms that its SQL names in this way."""
    owner = owners()
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for name in OURS:
        if name.endswith("schema"):
            continue
        for text in texts(trees()[name]):
            for table in pattern.findall(text):
                if owner.get(table, room(name)) != room(name):
                    found[room(name)][name].add(table)
    return found


def test_every_room_declares_its_tables() -> None:
    assert {"mirror", "notebook", "changes", "limits", "events", "sync"} <= set(owners().values())


def test_only_the_room_of_a_table_writes_it() -> None:
    wrong = {
        name: tables - MAY_WRITE.get(name, set())
        for modules in strangers(WRITE).values()
        for name, tables in modules.items()
    }
    assert not {name: tables for name, tables in wrong.items() if tables}


def test_fewer_and_fewer_read_tables_of_other_rooms() -> None:
    owner = owners()
    for place, modules in strangers(READ).items():
        found = [
            f"{name}: {table} of {owner[table]}"
            for name, tables in modules.items()
            for table in sorted(tables)
            if owner[table] not in MAY_READ.get(place, ())
        ]
        assert len(found) <= MOST.get(place, 0), "\n".join([place, *found])


# -- doors ----------------------------------------------------------------------------------------

# A room's `__init__.py` names the modules that others may use (`DOOR`). Other domains than one's
# own are entered by their doors alone; commands and screens are the face of domains.
DOORS = {
    name: set(ast.literal_eval(node.value))
    for name, path in FILES.items()
    if path.name == "__init__.py"
    for node in source.tree(path).body
    if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DOOR"
}

# Who enters elsewhere; a line leaves this list when it is mended, and none comes.
BACK_DOORS = """
commands.job -> storeops.changes.jobs.queue
commands.planned -> storeops.changes.jobs.queue
storeops.changes.jobs.lease -> storeops.limits.lease_owners
storeops.domains.handover.customer_calls -> storeops.changes.decision
storeops.sync.coverage -> storeops.mirror.statuses
storeops.sync.follows -> storeops.mirror.bulk
storeops.sync.follows -> storeops.mirror.statuses
storeops.sync.verify -> storeops.mirror.kept
"""


def entered(importer: str) -> Iterator[str]:
    """Modules of ours that a module imports, wherever it does."""
    for node in ast.walk(trees()[importer]):
        if isinstance(node, ast.ImportFrom) and node.module:
            for each in node.names:
                inner = f"{node.module}.{each.name}"
                yield inner if inner in FILES else node.module


def back_doors() -> Iterator[str]:
    for importer in OURS:
        for module in set(entered(importer)) & FILES.keys():
            domain = module.startswith("storeops.domains.")
            place = f"storeops.{room(module)}" if module.count(".") > 1 else ""
            inside = importer == place or importer.startswith(f"{place}.")
            if inside or not (place in DOORS or domain) or module == place:
                continue
            if domain and importer.split(".")[0] in ("commands", "tui"):
                continue
            if module.removeprefix(f"{place}.") not in DOORS.get(place, ()):
                yield f"{importer} -> {module}"


def test_rooms_are_entered_by_their_doors() -> None:
    found, known = set(back_doors()), {each for each in BACK_DOORS.splitlines() if each}
    new, mended = "\n".join(sorted(found - known)), "\n".join(sorted(known - found))
    assert not new, f"name it in the DOOR of its room, or ask the room for what you need:\n{new}"
    assert not mended, f"mended by now: take it off the list:\n{mended}"


def test_doors_lead_somewhere() -> None:
    assert len(DOORS) > 10
    for place, names in DOORS.items():
        assert {f"{place}.{name}" for name in names} <= FILES.keys(), place
    needs = {
        importer
        for importer in OURS
        for module in entered(importer)
        if module.startswith("storeops.domains.")
        and importer.startswith("storeops.domains.")
        and room(module) != room(importer)
        and room(module).removeprefix("domains.")
        not in import_module(f"storeops.{room(importer)}").DOMAIN.needs
    }
    assert not needs, "a domain names in `needs` whose door it enters"
