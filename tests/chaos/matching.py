"""Days of a shop whose customers write, change and share their phone numbers, with what must come
of every order kept beside it by other code: current numbers, and who bought under a key before."""

from __future__ import annotations

import csv
import hashlib
import io
import random
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from storeops import domain
from storeops.domains.orders import matching
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.mirror.facts import Batch, apply_facts
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow

WRITTEN = (
    "{0}", "+86 {0}", "+86-{1}-{2}-{3}", "0086{0}", "0086 {1} {2} {3}", "86-{0}", "(86){0}",
    "({0})", "{0}.0", "tel:{0}", "TEL: {0}", "'{0}", '="{0}"', "{1} {2} {3}", "{1}-{2}-{3}",
    "{1}–{2}–{3}", "{1}.{2}.{3}", "\u200b{0}\u200b", "\ufeff{0}", "{1}\u00a0{2}\u00a0{3}",
    " {0}\t", "FULL", "\u202d{0}\u202c", "EXACT",
)  # fmt: skip
HASHES: tuple[Callable[[bytes], Any], ...] = (hashlib.md5, hashlib.sha1, hashlib.sha256)
COLUMNS = ("order_no", "paid_at", "external_userid", "unionid", "phone", "phone_hash", "member",
           "amount")  # fmt: skip


def written(dice: random.Random, number: str) -> str:
    """A number in one of the forms that people and programs give it."""
    form = dice.choice(WRITTEN)
    if form == "FULL":
        return number.translate({ord(each): ord(each) + 0xFEE0 for each in "0123456789"})
    if form == "EXACT":
        return f"{number[0]}.{number[1:]}E+10"
    return form.format(number, number[:3], number[3:7], number[7:])


def masked(number: str) -> str:
    """138****1234."""
    return f"{number[:3]}****{number[7:]}"


@dataclass
class Truth:
    """Who has which key, and what became of every order."""

    numbers: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    unionids: dict[str, str] = field(default_factory=dict)
    people: set[str] = field(default_factory=set)
    members: dict[str, str] = field(default_factory=dict)  # card → number
    before: dict[tuple[str, ...], set[str]] = field(default_factory=lambda: defaultdict(set))
    certain: dict[str, str] = field(default_factory=dict)  # order → customer, for good
    bought: Counter[tuple[str, ...]] = field(default_factory=Counter)  # keys → certain orders
    waiting: dict[str, tuple[str, ...]] = field(default_factory=dict)  # order → its keys
    reasons: dict[str, str] = field(default_factory=dict)
    ways: dict[tuple[str, ...], str] = field(default_factory=dict)  # keys → how they are certain
    by_phone: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def gets(self, person: str, numbers: set[str]) -> None:
        """A customer has these numbers from now on, and no others."""
        for number in self.numbers[person]:
            for form in forms(number):
                self.by_phone[form].discard(person)
        self.people.add(person)
        self.numbers[person] = numbers
        for number in numbers:
            for form in forms(number):
                self.by_phone[form].add(person)

    def fits(self, keys: tuple[str, ...]) -> tuple[set[str], str]:
        """The customers of the first key that anybody has, and which it is."""
        external, unionid, phone, hashed, member = keys
        for way, found in (
            ("external_userid", {external} & self.people),
            ("unionid", {self.unionids[unionid]} if unionid in self.unionids else ()),
            ("masked_phone" if "*" in phone else "phone", self.by_phone.get(phone)),
            ("phone_hash", self.by_phone.get(hashed)),
            ("member", self.by_phone.get(self.members.get(member, "-"))),
        ):
            if found:
                return set(found), way
        return set(), ""

    def look(self, order: str, keys: tuple[str, ...]) -> None:
        """What is known of one order now; a certain one stays as it is."""
        found, way = self.fits(keys)
        if found:
            found |= self.before[keys]
        if len(found) == 1:
            self.ways[keys] = way
            self.certain[order] = found.pop()
            self.before[keys].add(self.certain[order])
            self.bought[keys] += 1
            self.waiting.pop(order, None)
            return
        self.waiting[order] = keys
        nobody = "no_key" if not any(keys) else "bad_phone" if keys == BAD else "unknown"
        self.reasons[order] = "ambiguous" if found else nobody

    def reasons_now(self) -> Counter[str]:
        """Why not → orders that wait."""
        return Counter(self.reasons[order] for order in self.waiting)


BAD = ("", "", "?", "", "")


def forms(number: str) -> list[str]:
    """Everything by which a number is found."""
    return [number, masked(number), *(each(number.encode()).hexdigest() for each in HASHES)]


class Days:
    """A shop in which things change between files of orders.

    Args:
        chain: of tests/domains/conftest.py.
        seed: of the dice.
        people: customers at the beginning.
    """

    def __init__(self, chain: Any, seed: int, people: int) -> None:
        self.chain, self.dice, self.truth = chain, random.Random(seed), Truth()
        self.next = self.orders = self.day = 0
        self.kinds: Counter[str] = Counter()
        self.appear([self._fresh() for _ in range(people)])
        for number in [next(iter(self.truth.numbers[each])) for each in self._some(people // 10)]:
            self.truth.members[f"M{len(self.truth.members):05d}"] = number

    def _fresh(self) -> str:
        """A number nobody has; every third one has a mask that another one has too."""
        self.next += 1
        tail = self.next if self.next % 3 else self.next - 1
        return f"13{self.next % 7}{self.next * 7 % 10_000:04d}{tail % 10_000:04d}"

    def _some(self, count: int) -> list[str]:
        return self.dice.sample(sorted(self.truth.people), count)

    def _write(self, people: dict[str, set[str]]) -> None:
        """Tell the mirror what numbers customers have, as WeCom writes them, and the truth."""
        rows = []
        for person, numbers in people.items():
            union = f"u{person}"
            rows.append(
                FollowRow(
                    ExternalContact(person, person[-5:], type=1, unionid=union),
                    FollowInfo("anna", createtime=self.chain.at("2026-01-01"), remark_mobiles=tuple(
                        written(self.dice, each) for each in sorted(numbers))),
                )
            )  # fmt: skip
            self.truth.gets(person, numbers)
            self.truth.unionids[union] = person
        now = self.chain.at("2026-05-01") + self.day * 86_400
        for start in range(0, len(rows), 1_000):
            apply_facts(self.chain.db, "sync", Batch(follows=rows[start : start + 1_000]), now, "1")

    def appear(self, numbers: list[str]) -> None:
        """New customers, one for each number."""
        first = len(self.truth.people)
        self._write({f"wm{first + at:0>30}": {each} for at, each in enumerate(numbers)})

    def changes(self, count: int) -> None:
        """Customers change their number, take over another's, share one, and appear late."""
        people = self._some(min(4 * count, len(self.truth.people)))
        step = len(people) // 4
        moved: dict[str, set[str]] = {each: {self._fresh()} for each in people[:step]}
        for person, other in zip(people[step : 2 * step], people[2 * step : 3 * step], strict=True):
            mine = self.truth.numbers[other]
            if self.dice.random() < 0.5:  # the other one has a new number, and this one its old one
                moved[other] = {self._fresh()}
                moved[person] = set(mine)
            else:  # a family with one phone
                moved[person] = self.truth.numbers[person] | mine
        self._write(moved)
        known = set(self.truth.by_phone)
        late = {keys[2] for keys in self.truth.waiting.values() if keys[2].isdigit()} - known
        self.appear(self.dice.sample(sorted(late), len(late) // 2))
        domain.refreshed(self.chain.db, self.chain.at("2026-05-02") + self.day * 86_400)
        for order, keys in list(self.truth.waiting.items()):
            self.truth.look(order, keys)

    def file(self, count: int) -> str:
        """So many orders as a till's CSV, told to the truth by what they mean."""
        text = io.StringIO()
        file = csv.writer(text)
        file.writerow(COLUMNS)
        self.fresh: list[tuple[str, tuple[str, ...]]] = []
        numbers = [each for person in self._some(min(len(self.truth.people), count))
                   for each in self.truth.numbers[person]]  # fmt: skip
        for _order in range(count):
            self.orders += 1
            order, dice = f"S{self.orders:06d}", self.dice
            number = dice.choice(numbers)
            person = dice.choice(sorted(self.truth.by_phone[number]) or ["wmnobody"])
            pick = dice.random()
            if pick < 0.50:
                kind, keys, cell = "phone", ("", "", number, "", ""), written(dice, number)
            elif pick < 0.58:
                mask = masked(number)
                kind, keys, cell = "mask", ("", "", mask, "", ""), mask
            elif pick < 0.66:
                made = dice.choice(HASHES)(number.encode()).hexdigest()
                kind, keys, cell = "hash", ("", "", "", made, ""), ""
            elif pick < 0.72:
                kind, keys, cell = "id", (person, "", "", "", ""), ""
            elif pick < 0.76:
                kind, keys, cell = "unionid", ("", f"u{person}", "", "", ""), ""
            elif pick < 0.84:
                card = dice.choice(sorted(self.truth.members))
                kind, keys, cell = "member", ("", "", "", "", card), ""
            elif pick < 0.92:
                stranger = f"19{dice.randrange(count // 2 + 1):09d}"
                kind, keys = "stranger", ("", "", stranger, "", "")
                cell = written(dice, stranger)
            elif pick < 0.96:
                kind, keys, cell = "unreadable", BAD, dice.choice(("1.38E+10", "无", "12"))
            else:
                kind, keys, cell = "nobody", ("", "", "", "", ""), ""
            self.kinds[kind] += 1
            hashed = keys[3].upper() if dice.random() < 0.5 else keys[3]
            file.writerow(
                (order, f"2026-05-{self.day + 1:02d}", *keys[:2], cell, hashed, keys[4], "1")
            )
            self.fresh.append((order, keys))
        return text.getvalue()

    def take(self, count: int) -> None:
        """A day's file."""
        self.day += 1
        path = self.chain.file(self.file(count))
        if self.day == 1:
            from storeops.changes.sheets import Source
            from storeops.domains.orders.orders import import_members

            cards = "会员号,手机号\n" + "".join(
                f"{card},{written(self.dice, number)}\n".replace('="', "").replace('"', "")
                for card, number in self.truth.members.items()
            )
            import_members(self.chain.db, Source(self.chain.file(cards)), 1)
        import_orders(self.chain.db, OrderRequest("till", path),
                      self.chain.at("2026-05-01") + self.day * 86_400)  # fmt: skip
        for order, keys in self.fresh:
            self.truth.look(order, keys)

    def differences(self) -> list[str]:
        """Where the truth and the database differ: every order, and every count of the report."""
        found = []
        rows = self.chain.db.execute(
            "SELECT o.order_no, coalesce(c.external_userid, ''), b.reason FROM orders_order o"
            " JOIN orders_buyer b ON b.id = o.buyer_id LEFT JOIN customer c ON c.id = o.customer_id"
        ).fetchall()
        for order, person, reason in rows:
            want = self.truth.certain.get(order, "")
            why = "" if want else self.truth.reasons[order]
            if (person, "" if person else reason) != (want, why):
                keys = self.truth.waiting.get(order)
                found.append(f"{order}: {person or reason}, not {want or why} {keys}")
        report = matching.report(self.chain.db).as_dict()
        why = self.truth.reasons_now()
        said = {each["reason"]: each["orders"] for each in report["why_not"]}
        if said != dict(why):
            found.append(f"why not: {said}, not {dict(why)}")
        by: Counter[str] = Counter()
        for keys, orders in self.truth.bought.items():
            by[self.truth.ways[keys]] += orders
        if report["by"] != dict(by):
            found.append(f"by: {report['by']}, not {dict(by)}")
        matched, ambiguous = len(self.truth.certain), why["ambiguous"]
        counts = {"orders": self.orders, "matched": matched, "ambiguous": ambiguous,
                  "unmatched": self.orders - matched - ambiguous}  # fmt: skip
        found += [f"{key}: {report[key]}, not {count}" for key, count in counts.items()
                  if report[key] != count]  # fmt: skip
        return found
