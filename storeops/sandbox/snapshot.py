"""Saving and loading the corp: one zip of JSON and columns, no code in it."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import zipfile
from array import array
from typing import Any

from storeops.sandbox.clock import Clock
from storeops.sandbox.corp import Corp
from storeops.sandbox.groups import GroupChat, Seat
from storeops.sandbox.jsontext import dumps
from storeops.sandbox.organisation import App, Department, Member
from storeops.sandbox.tags import ContactTag, Strategy, Tag, TagGroup

FORMAT = 1
_FOLLOW_COLUMNS = ("customer", "member", "created", "add_way", "flags", "state", "next_same")
_CUSTOMER_COLUMNS = ("kind", "gender", "first_follow")
_SPARSE_BYTES = ("description", "company")
_SPARSE = ("mobiles", "personal", "channels", "deleted_by_customer_at")


def save(corp: Corp, path: str) -> int:
    """Write the state, atomically; bytes written. OSError when the place cannot be written."""
    partial = f"{path}.partial"
    try:
        _write(corp, partial)
        os.replace(partial, path)  # noqa: PTH105 - plain text paths from the wire
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(partial)  # noqa: PTH108
        raise OSError(error.errno, error.strerror, path) from error
    return os.path.getsize(path)  # noqa: PTH202


def _write(corp: Corp, path: str) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
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
    """Read a saved state; its clock goes on from the moment of saving.

    ValueError when the file is no such state, OSError when it cannot be read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            data = json.loads(archive.read("corp.json"))
            if data.get("format") != FORMAT:
                raise ValueError(f"{path} was saved by another version of the sandbox")
            return _restore(data, archive)
    except (zipfile.BadZipFile, KeyError, TypeError) as error:
        raise ValueError(f"{path} is no saved sandbox: {error}") from None


def _restore(data: dict[str, Any], archive: zipfile.ZipFile) -> Corp:
    corp = Corp(data["seed"], Clock(data["now"]))
    corp.name, corp.anchor, corp.shape = data["name"], data["anchor"], data["shape"]
    corp.organisation.departments = {d["id"]: Department(**d) for d in data["departments"]}
    for row in data["members"]:
        corp.organisation.add_member(Member(**row))
    corp.apps = {a["agent_id"]: App(**a) for a in data["apps"]}
    corp.tags.groups = {g["id"]: TagGroup(**g) for g in data["tag_groups"]}
    corp.tags.by_number = [Tag(**t) for t in data["tags"]]
    corp.tags.tags = {t.id: t for t in corp.tags.by_number}
    corp.contact_tags = {t["tagid"]: ContactTag(**t) for t in data["contact_tags"]}
    corp.strategies = {s["id"]: Strategy(**s) for s in data["strategies"]}
    for row in data["groups"]:
        row["seats"] = [Seat(*s) for s in row["seats"]]
        row["left"] = [(Seat(*s), at) for s, at in row["left"]]
        corp.groups[row["chat_id"]] = GroupChat(**row)
    corp.strangers, corp.events = data["strangers"], data["events"]
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
        follows.new_holder()
        follows.held[number].frombytes(archive.read(f"held/{number}"))
    for name in _SPARSE_BYTES:
        setattr(follows, name, {k: v.encode() for k, v in data[name]})
    follows.mobiles = {k: tuple(v) for k, v in data["mobiles"]}
    follows.personal = {k: tuple(v) for k, v in data["personal"]}
    follows.channels = {k: (v[0], v[1]) for k, v in data["channels"]}
    follows.deleted_by_customer_at = dict(data["deleted_by_customer_at"])


def _split(raw: bytes) -> list[bytes]:
    return raw.split(b"\n") if raw else []
