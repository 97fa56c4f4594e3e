"""Faults on demand: which calls go wrong, and how."""

from __future__ import annotations

import dataclasses
import random
from fnmatch import fnmatchcase
from typing import Any

from storeops.sandbox import odd

KINDS = {
    "errcode": "answer with this errcode",
    "status": "HTTP status with an HTML body, as a proxy would",
    "timeout": "no answer for some seconds, then a closed connection",
    "cut": "close the connection without an answer",
    "truncate": "close the connection in the middle of the body",
    "truncated_json": "a whole HTTP answer whose JSON stops half-way",
    "invalid": "a whole HTTP answer that is no JSON",
    "slow": "the right answer, some seconds late",
    "trickle": "the right answer, headers too, byte by byte with some seconds between them",
    "duplicate": "one row of a list twice",
    "short": "a shorter page, the rest on the next ones",
    "reorder": "the rows of a page in another order",
    "token": "the token dies: 40014 now and until a new one is fetched",
    "token_expired": "the token expires: 42001 now and until a new one is fetched",
    "lost": "carry the call out, then close the connection without an answer",
    **odd.MEANINGS,
}

# kinds of which a caller cannot know whether the call was carried out
UNANSWERED = ("timeout", "status", *odd.INSTEAD)
_SHAPES: dict[str, tuple[type, ...]] = {
    "path": (str,),
    "match": (str,),
    "field": (str,),
    "every": (bool,),
    "carried_out": (bool,),
    "errcode": (int,),
    "status": (int,),
    "seconds": (int, float),
    "rate": (int, float),
    "first": (int,),
    "nth": (int,),
    "seed": (int,),
}


@dataclasses.dataclass(slots=True)
class Fault:
    """One rule. Of rate, first and nth at most one; none of them means every call.

    `field` and `every` say which values an odd answer spoils, `carried_out` whether the call is
    carried out although somebody else answers it.
    """

    id: int
    kind: str
    path: str = "*"
    match: str = ""
    errcode: int = -1
    status: int = 502
    seconds: float = 1.0
    field: str = ""
    every: bool = False
    carried_out: bool = False
    rate: float | None = None
    first: int | None = None
    nth: int | None = None
    seed: int = 0
    seen: int = 0
    hit: int = 0
    dice: random.Random = dataclasses.field(default_factory=random.Random, repr=False)

    def strikes(self, path: str, request: bytes) -> bool:
        """Whether this call goes wrong; counts it when it fits path and fragment."""
        if not fnmatchcase(path, self.path):
            return False
        if self.match and self.match.encode() not in request:
            return False
        self.seen += 1
        if self.rate is not None:
            struck = self.dice.random() < self.rate
        elif self.first is not None:
            struck = self.seen <= self.first
        elif self.nth is not None:
            struck = self.seen == self.nth
        else:
            struck = True
        self.hit += struck
        return struck

    def as_json(self) -> dict[str, Any]:
        """The rule with what it has done so far."""
        row = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "dice"}
        return row | {"meaning": KINDS[self.kind]}


class Faults:
    """The rules in force; the first that strikes decides."""

    def __init__(self) -> None:
        self.rules: list[Fault] = []
        self._next_id = 1

    def add(self, spec: dict[str, Any]) -> Fault:
        """Take a rule from JSON; ValueError says what is wrong with it."""
        kind = spec.get("kind")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(KINDS)}")
        values: dict[str, Any] = {}
        for name, value in spec.items():
            if name == "kind" or value is None:
                continue
            if name not in _SHAPES:
                raise ValueError(f"a fault has no {name}")
            fits = isinstance(value, _SHAPES[name])
            if not fits or (isinstance(value, bool) and bool not in _SHAPES[name]):
                raise ValueError(f"{name} must be {_SHAPES[name][-1].__name__}")
            values[name] = value
        if sum(name in values for name in ("rate", "first", "nth")) > 1:
            raise ValueError("give one of rate, first and nth")
        if not 0 <= values.get("rate", 0) <= 1:
            raise ValueError("rate must be between 0 and 1")
        if any(values.get(name, 1) < 1 for name in ("first", "nth")):
            raise ValueError("first and nth start at 1")
        if not 0 <= values.get("seconds", 0) <= 3600:
            raise ValueError("seconds must be between 0 and 3600")
        if not 100 <= values.get("status", 502) <= 599:
            raise ValueError("status must be an HTTP status")
        if values.get("carried_out") and kind not in UNANSWERED:
            raise ValueError(f"carried_out goes with {', '.join(UNANSWERED)}")
        if (values.get("field") or values.get("every")) and kind not in odd.VALUE_KINDS:
            raise ValueError(f"field and every go with {', '.join(odd.VALUE_KINDS)}")
        if "path" in values:
            values["path"] = values["path"].removeprefix("/cgi-bin/").lstrip("/")
        fault = Fault(self._next_id, kind, **values)
        fault.dice.seed(f"{fault.seed}/{kind}/{fault.path}/{fault.match}")
        self._next_id += 1
        self.rules.append(fault)
        return fault

    def pick(self, path: str, request: bytes) -> Fault | None:
        """The fault that strikes this call, if any."""
        for fault in self.rules:
            if fault.strikes(path, request):
                return fault
        return None

    def clear(self, fault_id: int | None = None) -> int:
        """Remove one rule or all; returns how many went."""
        before = len(self.rules)
        self.rules = [f for f in self.rules if fault_id is not None and f.id != fault_id]
        return before - len(self.rules)
