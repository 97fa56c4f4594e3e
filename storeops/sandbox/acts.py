"""What people do in the WeCom client and the admin console; every act queues its event."""

from __future__ import annotations

import random
from typing import Any

from storeops.sandbox import (  # noqa: F401
    acts_customers,
    acts_groups,
    acts_messages,
    acts_staff,
    acts_tags,
)
from storeops.sandbox.act import ACTS, Act
from storeops.sandbox.corp import Corp
from storeops.sandbox.mail import Mail
from storeops.sandbox.settings import Settings


def perform(corp: Corp, settings: Settings, mail: Mail, data: dict[str, Any]) -> dict[str, Any]:
    """Do what {"act": NAME, …} asks for; ValueError says what is wrong with it."""
    name = data.get("act")
    if name == "random":
        return _random(corp, settings, mail, data)
    if not isinstance(name, str) or name not in ACTS:
        raise ValueError(f"act must be one of random, {', '.join(sorted(ACTS))}")
    given = {k: v for k, v in data.items() if k not in ("act", "seed") and v is not None}
    dice = random.Random(f"{corp.seed}/{data.get('seed', len(corp.events))}/{name}")
    done = ACTS[name](Act(corp, settings, mail, given, dice))
    return {"act": name, **done}


# How often each act happens in a chain's day, for `act random`.
_DAILY = {
    "follow_add": 30,
    "remark_edit": 18,
    "tag_mark": 16,
    "personal_tag": 4,
    "follow_delete": 6,
    "deleted_by_customer": 6,
    "customer_rename": 5,
    "group_join": 5,
    "group_leave": 3,
    "group_create": 2,
    "group_dissolve": 1,
    "staff_move": 2,
    "staff_join": 2,
    "staff_leave": 1,
    "contact_off": 1,
    "tag_rename": 1,
}


def _random(corp: Corp, settings: Settings, mail: Mail, data: dict[str, Any]) -> dict[str, Any]:
    count, seed = data.get("count", 1), data.get("seed", 0)
    if not isinstance(count, int) or not isinstance(seed, int) or not 0 <= count <= 100_000:
        raise ValueError("count must be a whole number up to 100000, seed a whole number")
    shares = data.get("acts") or _DAILY
    if not isinstance(shares, dict) or not all(
        name in ACTS and isinstance(share, int) and share > 0 for name, share in shares.items()
    ):
        raise ValueError("acts must be an object of names of acts and their shares, whole numbers")
    dice = random.Random(f"{corp.seed}/random/{seed}")
    names, weights = list(shares), list(shares.values())
    done: list[dict[str, Any]] = []
    tries = 0
    while len(done) < count and tries < count * 5 + 5:
        tries += 1
        name = dice.choices(names, weights)[0]
        try:
            done.append({"act": name, **ACTS[name](Act(corp, settings, mail, {}, dice))})
        except ValueError:
            continue  # nothing fits this act just now; draw another
    return {"act": "random", "count": len(done), "done": done}


def described() -> list[dict[str, str]]:
    """Every act with its meaning."""
    rows = [{"act": "random", "meaning": "Some acts in the proportions of a chain's day."}]
    for name in sorted(ACTS):
        meaning = (ACTS[name].__doc__ or "").split("\n")[0]
        rows.append({"act": name, "meaning": meaning})
    return rows
