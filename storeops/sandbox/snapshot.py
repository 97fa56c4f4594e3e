"""Saving and loading the corp: one zip of JSON and columns, no code in it."""

from __future__ import annotations

import dataclasses
import functools
import io
import json
import zipfile
import zlib
from array import array
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from storeops.sandbox.clock import Clock
from storeops.sandbox.corp import Corp
from storeops.sandbox.export import TABLES
from storeops.sandbox.groups import GroupChat, Seat
from storeops.sandbox.ids import CUSTOMER_BYTES
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import App, Department, Member
from storeops.sandbox.tags import ContactTag, Strategy, Tag, TagGroup
from storeops.sandbox.ways import ContactWay

FORMAT = 1
_UNPACKED = 2_000_000_000  # bytes; a million follows take some hundred million
_NO_STATE = (
    zipfile.BadZipFile, zlib.error, LookupError, TypeError, ValueError, AttributeError,
    ArithmeticError, RuntimeError, OSError, EOFError, AssertionError,
)  # fmt: skip
_Row = TypeVar("_Row")
_FOLLOW_COLUMNS = ("customer", "member", "created", "add_way", "flags", "state", "next_same")
_CUSTOMER_COLUMNS = ("kind", "gender", "first_follow")
_SPARSE_BYTES = ("description", "company")
_SPARSE = ("mobiles", "personal", "channels", "deleted_by_customer_at")


def saved(corp: Corp) -> bytes:
    """The whole state as one file."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("corp.json", dumps(_small(corp)))
        follows, people = corp.follows, corp.customers
        for name in _FOLLOW_COLUMNS:
            archive.writestr(f"follows/{name}", getattr(follows, name).tobytes())
        for name in _CUSTOMER_COLUMNS:
            archive.writestr(f"customers/{name}", getattr(people, name).tobytes())
        archive.writestr("customers/ids", bytes(people.ids))
        # Encoded JSON strings hold no newline, so one line is one value.
        archive.writestr("customers/name", b"\n".join(people.name))
        archive.writestr("follows/remark", b"\n".join(follows.remark))
        sets = {numbers: at for at, numbers in enumerate(follows.tag_sets)}
        archive.writestr("follows/tag_sets", dumps(list(sets)))
        archive.writestr("follows/tags", array("I", [sets[t] for t in follows.tags]).tobytes())
        for number, held in enumerate(follows.held):
            archive.writestr(f"held/{number}", held.tobytes())
    return file.getvalue()


def _small(corp: Corp) -> dict[str, Any]:
    """Everything that is not a long column."""
    follows, people, org = corp.follows, corp.customers, corp.organisation
    rows = dataclasses.asdict
    return {
        "format": FORMAT,
        "seed": corp.seed,
        "name": corp.name,
        "anchor": corp.anchor,
        "now": corp.clock.now(),
        "shape": corp.shape,
        "departments": [rows(d) for d in org.departments.values()],
        "members": [rows(m) for m in org.members],
        "apps": [rows(a) for a in corp.apps.values()],
        "tag_groups": [rows(g) for g in corp.tags.groups.values()],
        "tags": [rows(t) for t in corp.tags.by_number],
        "contact_tags": [rows(t) for t in corp.contact_tags.values()],
        "strategies": [rows(s) for s in corp.strategies.values()],
        "groups": [rows(g) for g in corp.groups.values()],
        "strangers": corp.strangers,
        "contact_ways": corp.contact_ways.dump(),
        "handovers": corp.handovers.dump(),
        "events": corp.events,
        "states": follows.states,
        "companies": list(people.company.items()),
        "no_unionid": sorted(people.no_unionid),
        **{
            name: [(k, v.decode()) for k, v in getattr(follows, name).items()]
            for name in _SPARSE_BYTES
        },
        **{name: list(getattr(follows, name).items()) for name in _SPARSE},
    }


def load(path: str) -> Corp:
    """Read a saved state from a file.

    ValueError when the file is no such state, OSError when it cannot be read.
    """
    return restored(Path(path).read_bytes())


def restored(raw: bytes) -> Corp:
    """A corp from its saved state; its clock goes on from the moment of saving.

    ValueError when the bytes are no such state: every value is looked at before it is believed.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(part.file_size for part in archive.infolist()) > _UNPACKED:
                raise ValueError("it unpacks to more than a state can hold")
            data = json.loads(archive.read("corp.json"))
            if data["format"] != FORMAT:
                raise ValueError("it was saved by another version of the sandbox")
            corp = _restore(data, archive)
        _check_columns(corp)
        for name, table in TABLES.items():
            if name not in ("follows", "customers"):  # their columns were looked at
                for _row in table(corp):
                    pass
    except _NO_STATE as error:
        raise ValueError(f"this is no saved sandbox: {error}") from None
    return corp


def _check_columns(corp: Corp) -> None:
    """Columns are equally long, and every number in them leads somewhere."""
    follows, people = corp.follows, corp.customers
    members, rows = len(corp.organisation.members), len(follows.customer)
    columns = [getattr(follows, name) for name in (*_FOLLOW_COLUMNS, "remark", "tags")]
    if any(len(column) != rows for column in columns):
        raise ValueError("columns of follows differ in length")
    count = len(people.kind)
    columns = [getattr(people, name) for name in (*_CUSTOMER_COLUMNS, "name")]
    if any(len(column) != count for column in columns) or len(people.ids) != count * CUSTOMER_BYTES:
        raise ValueError("columns of customers differ in length")
    tags = len(corp.tags.by_number)
    bounds: list[tuple[Any, int, int]] = [
        (follows.customer, 0, count),
        (follows.member, 0, members),
        (follows.state, 0, len(follows.states)),
        (follows.next_same, -1, rows),
        (people.first_follow, -1, rows),
        *((held, 0, rows) for held in follows.held),
        *((numbers, 0, tags) for numbers in follows.tag_sets),
    ]
    for column, low, high in bounds:
        if len(column) and not low <= min(column) <= max(column) < high:
            raise ValueError("a row leads nowhere")
    if any(later >= row for row, later in enumerate(follows.next_same)):
        raise ValueError("the relations of a customer go round in a circle")


@functools.cache
def _types(kind: type) -> list[tuple[str, type, Any]]:
    """Of each field its type, and the first of those in its brackets."""
    hints = get_type_hints(kind).items()
    return [
        (name, get_origin(hint) or hint, *(get_args(hint)[:1] or (None,))) for name, hint in hints
    ]


def _typed(kind: type[_Row], row: dict[str, Any]) -> _Row:
    """A row of that kind; TypeError when a value has another type."""
    made = kind(**row)
    row_type: type = kind
    for name, outer, inner in _types(row_type):
        value = getattr(made, name)
        if not isinstance(value, outer) or (
            inner in (int, str)
            and isinstance(value, list)
            and not all(isinstance(each, inner) for each in value)
        ):
            raise TypeError(f"{kind.__name__}.{name} is {value!r}")
    return made


def _seat(values: list[Any]) -> Seat:
    return _typed(Seat, dict(zip(Seat._fields, values, strict=True)))


def _restore(data: dict[str, Any], archive: zipfile.ZipFile) -> Corp:
    corp = Corp(data["seed"], Clock(data["now"]))
    corp.name, corp.anchor, corp.shape = data["name"], data["anchor"], data["shape"]
    corp.organisation.departments = {d["id"]: _typed(Department, d) for d in data["departments"]}
    for row in data["members"]:
        corp.organisation.add_member(_typed(Member, row))
    corp.apps = {a["agent_id"]: _typed(App, a) for a in data["apps"]}
    corp.tags.groups = {g["id"]: _typed(TagGroup, g) for g in data["tag_groups"]}
    corp.tags.by_number = [_typed(Tag, t) for t in data["tags"]]
    corp.tags.tags = {t.id: t for t in corp.tags.by_number}
    corp.contact_tags = {t["tagid"]: _typed(ContactTag, t) for t in data["contact_tags"]}
    corp.strategies = {s["id"]: _typed(Strategy, s) for s in data["strategies"]}
    for row in data["groups"]:
        row["seats"] = [_seat(s) for s in row["seats"]]
        row["left"] = [(_seat(s), int(at)) for s, at in row["left"]]
        corp.groups[row["chat_id"]] = _typed(GroupChat, row)
    ways = data.get("contact_ways", {"made": 0, "ways": []})  # none before they were offered
    corp.contact_ways.made = int(ways["made"])
    corp.contact_ways.ways = {w["config_id"]: _typed(ContactWay, w) for w in ways["ways"]}
    corp.strangers, corp.events = data["strangers"], data["events"]
    if not all(isinstance(name, str) for name in corp.strangers) or not all(
        isinstance(event, dict) for event in corp.events
    ):
        raise TypeError("strangers or events of another type")
    _restore_columns(corp, data, archive)
    corp.handovers.restore(data["handovers"])
    return corp


def _restore_columns(corp: Corp, data: dict[str, Any], archive: zipfile.ZipFile) -> None:
    follows, people = corp.follows, corp.customers
    for name in _FOLLOW_COLUMNS:
        getattr(follows, name).frombytes(archive.read(f"follows/{name}"))
    for name in _CUSTOMER_COLUMNS:
        getattr(people, name).frombytes(archive.read(f"customers/{name}"))
    people.ids = bytearray(archive.read("customers/ids"))
    people.name = _split(archive.read("customers/name"))
    people.company = {k: (v[0], v[1]) for k, v in data["companies"]}
    people.no_unionid = set(data["no_unionid"])
    follows.remark = _split(archive.read("follows/remark"))
    for state in data["states"][1:]:
        follows.state_number(state)
    sets = [tuple(s) for s in json.loads(archive.read("follows/tag_sets"))]
    follows.tag_sets = {s: s for s in sets}
    chosen = array("I")
    chosen.frombytes(archive.read("follows/tags"))
    follows.tags = [sets[at] for at in chosen]
    for number in range(len(corp.organisation.members)):
        follows.add_member()
        follows.held[number].frombytes(archive.read(f"held/{number}"))
    for name in _SPARSE_BYTES:
        setattr(follows, name, {k: v.encode() for k, v in data[name]})
    follows.mobiles = {k: tuple(v) for k, v in data["mobiles"]}
    follows.personal = {k: tuple(v) for k, v in data["personal"]}
    follows.channels = {k: (v[0], v[1]) for k, v in data["channels"]}
    follows.deleted_by_customer_at = dict(data["deleted_by_customer_at"])


def _split(raw: bytes) -> list[bytes]:
    return raw.split(b"\n") if raw else []
