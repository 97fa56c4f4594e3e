"""Random filters over a large mirror: every kind of condition, frequent values and rare ones."""

from __future__ import annotations

import random
from collections.abc import Callable

from storeops.database.database import Database
from storeops.reading.query import Key

NOW = 1_767_225_600  # where the three years of benchmarks/data.py end
SPAN = 3 * 365 * 86_400


class Sample:
    """Draws values that the mirror holds, popular and rare alike."""

    def __init__(self, db: Database, seed: int) -> None:
        self.rng = random.Random(seed)
        self.db = db
        self.top = db.execute("SELECT max(id) FROM customer").fetchone()[0]
        self.staff = [row[0] for row in db.execute("SELECT userid FROM staff ORDER BY id")]
        self.stores = [
            row[0] for row in db.execute("SELECT DISTINCT store_id FROM follow WHERE store_id > 0")
        ]
        self.tags = [
            row[0] for row in db.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL")
        ]
        self.states = [
            row[0]
            for row in db.execute("SELECT DISTINCT state FROM follow WHERE state <> '' LIMIT 400")
        ]

    def name(self) -> str:
        """A random customer's name of two characters or more."""
        while True:
            row = self.db.execute(
                "SELECT name FROM customer WHERE id = ?", (self.rng.randint(1, self.top),)
            ).fetchone()
            if row and len(row[0]) >= 2 and not set(row[0]) & set('"\\'):
                return str(row[0])

    def part(self, size: int) -> str:
        """`size` neighbouring characters of a random name, quoted."""
        while True:
            name = self.name()
            if len(name) >= size:
                at = self.rng.randint(0, len(name) - size)
                return f'"{name[at : at + size]}"'

    def phone(self, size: int) -> str:
        """The last digits of a random phone number."""
        while True:
            row = self.db.execute(
                "SELECT mobiles FROM follow WHERE id = ?", (self.rng.randint(1, self.top),)
            ).fetchone()
            if row and len(row[0]) > 8:
                return str(row[0][-2 - size : -2])

    def letters(self, size: int) -> str:
        """Random pinyin initials."""
        return "".join(self.rng.choices("bcdfghjklmnpqrstwxyz", k=size))

    def owner(self) -> str:
        """`@userid`."""
        return f"@{self.rng.choice(self.staff)}"

    def store(self) -> str:
        """`store:id`."""
        return f"store:{self.rng.choice(self.stores)}"

    def tag(self) -> str:
        """`#tag_id`; the popular ones lie early in the list."""
        popular = self.rng.random() < 0.3
        return f"#{self.rng.choice(self.tags[:20] if popular else self.tags)}"

    def state(self) -> str:
        """`state:…`, one way in three all that begin alike."""
        if not self.states:
            return "has:state"
        value = self.rng.choice(self.states)
        if self.rng.random() < 0.3:
            return f'state:"{value[: self.rng.randint(1, len(value))]}*"'
        return f'state:"{value}"'

    def status(self) -> str:
        """`status:…`."""
        words = ("active", "unassigned", "deleted", "missing", "lost", "missing,lost")
        return f"status:{self.rng.choice((*words, 'out_of_scope'))}"

    def way(self) -> str:
        """`way:…`, one that nobody came by among them."""
        words = ("scan", "card", "phone", "group", "wechat", "channels", "202", "unknown")
        return f"way:{self.rng.choice((*words, 'meeting', 'scan,card'))}"

    def month(self) -> str:
        """A month of the three years."""
        return f"{self.rng.choice((2023, 2024, 2025))}-{self.rng.randint(1, 12):02d}"

    def since(self) -> str:
        """`since:…`: a month, a day, days back."""
        day = f"{self.month()}-{self.rng.randint(1, 28):02d}"
        return f"since:{self.rng.choice((self.month(), day, '7d', '90d'))}"

    def until(self) -> str:
        """`until:…`."""
        return f"until:{self.month()}"

    def has(self) -> str:
        """`has:…`."""
        words = ("phone", "remark", "description", "tag", "state", "unionid", "group")
        return f"has:{self.rng.choice(words)}"

    def word(self) -> str:
        """Something to search: characters, initials, digits, what nobody has."""
        pick = self.rng.random()
        if pick < 0.25:
            return self.part(1)
        if pick < 0.6:
            return self.part(2)
        if pick < 0.7:
            return self.part(3)
        if pick < 0.9:
            return self.letters(self.rng.choice((1, 2, 3)))
        return self.phone(4) if pick < 0.97 else "鬱龘"

    def other(self) -> str:
        """A condition on the customer."""
        words = ("type:wecom", "gender:female", "owners:>1", "owners:0", "owners:1")
        return self.rng.choice(words)

    def negated(self) -> str:
        """`!` before any of the others."""
        kinds = (
            self.owner, self.store, self.tag, self.state, self.status, self.way, self.since,
            self.until, self.has, self.word,
        )  # fmt: skip
        return "!" + self.rng.choice(kinds)()

    def kinds(self) -> dict[str, Callable[[], str]]:
        """Name of a kind of condition → what draws one."""
        return {
            "owner": self.owner,
            "store": self.store,
            "tag": self.tag,
            "state": self.state,
            "status": self.status,
            "way": self.way,
            "since": self.since,
            "until": self.until,
            "has": self.has,
            "word": self.word,
            "other": self.other,
            "!": self.negated,
        }

    def sort(self) -> str:
        """An order of the list, the default most often."""
        return self.rng.choices(("newest", "oldest", "name"), (3, 1, 1))[0]

    def place(self, sort: str) -> tuple[str, Key | None, bool]:
        """Where to read: (its name, the key to read from, whether towards the start)."""
        where = self.rng.choices(("first", "last", "after", "before"), (3, 1, 4, 2))[0]
        if where in ("first", "last"):
            return where, None, where == "last"
        key: Key = (NOW - self.rng.randrange(SPAN), self.rng.randint(1, self.top))
        if sort == "name":
            key = (self.name(), key[1])
        return where, key, where == "before"
