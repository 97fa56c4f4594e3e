"""Shapes of answers: what fields they have, and of which type; merged over many answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

# objects whose names are data: statuses, codes, shops, days …
MAPS = {
    "by_status", "brings", "jobs", "rows", "errcodes", "settled", "scopes", "results", "codes",
    "blocked_by",
    "limits", "params", "payload", "before", "after", "counts", "values", "paths", "sections",
    "calls", "settings", "acts", "by_code", "outcomes", "statuses", "kinds", "extra",
}  # fmt: skip


def of(value: Any, name: str = "") -> Any:
    """The shape of a value; `name` is the field that holds it."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int):
        return "integer"
    if isinstance(value, float):
        return "number"
    if isinstance(value, Mapping):
        if name in MAPS:
            inner: Any = "null"
            for each in value.values():
                inner = merged(inner, of(each))
            return {"*": "any" if inner == "null" else inner}
        return {str(key): of(each, str(key)) for key, each in value.items()}
    if isinstance(value, list | tuple):
        inner = None
        for each in value:
            inner = of(each) if inner is None else merged(inner, of(each))
        return [] if inner is None else [inner]
    return "string"


def merged(one: Any, other: Any) -> Any:
    """The shape of what has the one or the other."""
    if one == other:
        return one
    if isinstance(one, dict) and isinstance(other, dict):
        if "*" in one or "*" in other:
            return {"*": merged(one.get("*", "null"), other.get("*", "null"))}
        names = dict.fromkeys([*one, *other])
        return {
            name: merged(one[name], other[name])
            if name in one and name in other
            else one.get(name, other.get(name))
            for name in names
        }
    if isinstance(one, list) and isinstance(other, list):
        return [merged(one[0], other[0])] if one and other else one or other
    for first, second in ((one, other), (other, one)):
        if isinstance(first, dict) and second == "null":
            return {**first, "?": "null"}
    if isinstance(one, str) and isinstance(other, str):
        kinds = sorted({*one.split("|"), *other.split("|")})
        if "any" in kinds:
            return "any"
        if "integer" in kinds and "number" in kinds:
            kinds.remove("integer")
        return "|".join(sorted(kinds, key=lambda kind: (kind == "null", kind)))
    return "any"


def lacking(known: Any, found: Any, path: str = "") -> list[str]:
    """What a found shape has that a known one has not: paths, [] when it fits."""
    if known in ("any", "null") or found in ("null", "any") or found == []:
        return []
    if isinstance(found, dict):
        if not isinstance(known, dict):
            return [f"{path}: an object"]
        if "*" in known:
            return []
        return [
            line
            for name, each in found.items()
            if name not in ("?", "*")
            for line in (
                lacking(known[name], each, f"{path}.{name}")
                if name in known
                else [f"{path}.{name}"]
            )
        ]
    if isinstance(found, list):
        if not isinstance(known, list):
            return [f"{path}: a list"]
        return lacking(known[0], found[0], f"{path}[]") if known else [f"{path}[]"]
    if not isinstance(known, str):
        return [f"{path}: {found}"]
    kinds = set(known.split("|"))
    if "number" in kinds:
        kinds.add("integer")
    return [f"{path}: {found}"] if set(found.split("|")) - kinds - {"null"} else []
