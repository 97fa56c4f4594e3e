"""What several conditions that must all hold say together: nothing, less, or more than they seem.

A list that can have no row is recognised before anything is read, conditions on one column become
one, and a negation tells bounds that an index can use. Nothing here reads the mirror, save the
names of owners, shops and tags.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from storeops.reading.conditions import conditions
from storeops.reading.filter import Field, Node, Not

Resolve = Callable[[Field], tuple[int, ...]]

_NAMED = frozenset({"owner", "store", "tag", "group"})  # values are looked up
_ONE_VALUE = frozenset({"way", "type", "gender", "id", "state", "status"})  # written as stored
NOT_ACTIVE = ("unassigned", "out_of_scope", "missing", "lost", "handed_over")


def joined(conjuncts: Sequence[Node], resolve: Resolve) -> list[Node] | None:
    """The same conditions with those on one column made one; None when they exclude each other.

    Args:
        conjuncts: conditions that must all hold, those on a follow on one and the same.
        resolve: the keys that the values of a named field mean.

    Raises:
        FilterError: a name that nobody has.
    """
    found: dict[str, Field] = {}
    others: list[Node] = []
    keys: dict[str, set[int]] = {}
    for node in dict.fromkeys(conjuncts):
        if isinstance(node, Field) and node.key in _ONE_VALUE and "deleted" not in node.values:
            before = found.get(node.key)
            values = node.values if before is None else _common(node.key, before, node)
            if not values:
                return None
            found[node.key] = replace(node, values=values)
            continue
        if isinstance(node, Field) and node.key in ("owner", "store"):
            resolved = set(resolve(node))
            keys[node.key] = keys.get(node.key, resolved) & resolved
            if not keys[node.key]:
                return None
        others.append(node)
    together = [*others, *found.values()]
    if _contradicted(together, resolve) or not _owners_agree(together):
        return None
    return together


def nobody_active(conjuncts: Sequence[Node]) -> bool:
    """Whether they say that no follow of the customer is active."""
    for node in conjuncts:
        if isinstance(node, Not) and isinstance(node.item, Field):
            field = node.item
            if field.key == "status" and "active" in field.values:
                return True
        if isinstance(node, Field) and node.key == "owners" and _interval(node.values[0])[1] == 0:
            return True
    return False


def _common(key: str, left: Field, right: Field) -> tuple[str, ...]:
    """The values that both allow; of states also those that begin alike."""
    if key != "state":
        return tuple(each for each in left.values if each in right.values)
    pairs = [(a, b) for a in left.values for b in right.values]
    narrower = [a if _covers(b, a) else b for a, b in pairs if _covers(b, a) or _covers(a, b)]
    return tuple(dict.fromkeys(narrower))


def _covers(wide: str, narrow: str) -> bool:
    """Whether every state that `narrow` (a state, or a beginning and *) means is one of `wide`."""
    if wide.endswith("*"):
        return narrow.removesuffix("*").startswith(wide[:-1])
    return wide == narrow


def _contradicted(conjuncts: Sequence[Node], resolve: Resolve) -> bool:
    """Whether a condition is there and, as much or more of it, negated too."""
    for negation in conjuncts:
        if not isinstance(negation, Not):
            continue
        if negation.item in conjuncts:
            return True
        no = negation.item
        if not isinstance(no, Field):
            continue
        for yes in conjuncts:
            if not isinstance(yes, Field):
                continue
            if no.key == "has" and yes.key in no.values:  # state:…, #… and group:… have one
                return True
            if yes.key != no.key:
                continue
            if no.key in _NAMED or ((own := conditions().get(no.key)) and own.named):
                covered = set(resolve(yes)) <= set(resolve(no))
            elif no.key == "state":
                covered = all(any(_covers(b, a) for b in no.values) for a in yes.values)
            else:
                plain = no.key not in ("owners", "since", "until")
                covered = plain and set(yes.values) <= set(no.values)
            if covered:
                return True
    return False


def _owners_agree(conjuncts: Sequence[Node]) -> bool:
    least, most = 0, 10**9
    for node in conjuncts:
        if isinstance(node, Field) and node.key == "owners":
            low, high = _interval(node.values[0])
            least, most = max(least, low), min(most, high)
        if isinstance(node, Field) and node.key == "status" and node.values == ("active",):
            least = max(least, 1)
        if isinstance(node, Not) and isinstance(node.item, Field):
            no = node.item
            if no.key == "status" and "active" in no.values:
                most = 0  # owners are those whose follow is active
    return least <= most


def _interval(value: str) -> tuple[int, int]:
    """The numbers that `>1`, `<=3` or `2` allow, both ends included."""
    many = 10**9
    for sign, low, high in ((">=", 0, many), ("<=", -many, 0), (">", 1, many), ("<", -many, -1)):
        if value.startswith(sign):
            number = int(value[len(sign) :])
            return (number + low, many) if ">" in sign else (0, number + high)
    return int(value), int(value)
