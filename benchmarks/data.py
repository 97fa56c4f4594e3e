"""Build a large mirror without a network: what the reading benchmarks look at.

    python benchmarks/data.py --customers 1000000 --follows 2000000 --out .bench/data.db

Rows go through the same writer as a sync. The same arguments always give the same mirror; a file
that already holds it is left alone (`--again` builds it anew).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from storeops.app import DATA_ROOMS, migrations
from storeops.database.database import Database, open_database
from storeops.mirror import indexes, meta, statuses
from storeops.mirror.facts import Batch, Keys, apply_facts
from storeops.mirror.timeline import Recorder
from storeops.wecom.contacts import Department, User
from storeops.wecom.customers import ExternalContact, FollowInfo, FollowRow
from storeops.wecom.groups import ChatMember, GroupChat, Invitor
from storeops.wecom.handover import Unassigned
from storeops.wecom.tags import CorpTag, CorpTagGroup

END = 1_767_225_600  # 2026-01-01 00:00 UTC; the youngest rows are seconds older
SPAN = 3 * 365 * 86_400
DEFAULT = Path(".bench/data.db")
BATCH = 2000  # rows a transaction


@dataclass(frozen=True)
class Shape:
    """How large the chain is."""

    customers: int = 1_000_000
    follows: int = 2_000_000
    stores: int = 1500
    staff: int = 7500
    seed: int = 7

    def __str__(self) -> str:
        return json.dumps(self.__dict__)


class Words:
    """Names and remarks with the frequencies of the demo chain's fixtures."""

    def __init__(self) -> None:
        folder = Path(__file__).parent.parent / "fixtures"
        data = json.loads((folder / "names.json").read_text())
        self.hurting = [
            each["name"] for each in json.loads((folder / "nicknames.json").read_text())
        ]
        self.surnames, self.surname_weights = zip(*data["surnames"], strict=True)
        given = data["female"] + data["male"]
        self.given, self.given_weights = zip(*given, strict=True)
        self.nicks = data["nick_words"] + data["latin_names"]
        self.emoji = data["emoji"]
        self.suffixes = data["remark_suffixes"]
        self.descriptions = data["descriptions"]
        self.places = data["places"]
        self.cities = [city for _region, cities in data["cities"] for city in cities]
        self.regions = [region for region, _cities in data["cities"]]
        self.tag_groups = data["tag_groups"]
        self.states = data["states"]

    def people(self, rng: random.Random, count: int) -> list[tuple[str, str]]:
        """(nickname, real name) of `count` people."""
        surnames = rng.choices(self.surnames, self.surname_weights, k=count)
        first = rng.choices(self.given, self.given_weights, k=count)
        second = rng.choices(self.given, self.given_weights, k=count)
        found = []
        for at in range(count):
            real = surnames[at] + first[at] + (second[at] if at % 3 else "")
            dice = rng.random()
            if dice < 0.45:
                nick = real
            elif dice < 0.8:
                nick = rng.choice(self.nicks) + (str(rng.randrange(100)) if dice < 0.7 else "")
            elif dice < 0.999:
                nick = rng.choice(self.emoji) + first[at] + second[at]
            else:
                nick = rng.choice(self.hurting)
            found.append((nick, real))
        return found


def customer_id(number: int) -> str:
    """External id number `number`: scattered as WeCom's are."""
    scattered = (number * 0x9E3779B97F4A7C15 + 0xD1B54A32D192ED03) & 0xFFFFFFFFFFFFFFFF
    return f"wm{scattered:016x}{number:014d}"


def departments(shape: Shape, words: Words) -> tuple[list[Department], list[int]]:
    """The tree, and the ids of the shops."""
    tree = [Department(1, "演示连锁", "", (), 0, 1)]
    tree += [
        Department(2 + at, f"{name}大区", "", (), 1, 100 - at)
        for at, name in enumerate(words.regions)
    ]
    shops = []
    for at in range(shape.stores):
        city = words.cities[at % len(words.cities)]
        place = words.places[at // len(words.cities) % len(words.places)]
        number = at // (len(words.cities) * len(words.places))
        name = f"{city}{place}{number + 1 if number else ''}店"
        parent = 2 + at % len(words.regions)
        tree.append(Department(1001 + at, name, "", (f"u{at:05d}",), parent, at))
        shops.append(1001 + at)
    return tree, shops


def tag_library(words: Words) -> tuple[list[CorpTagGroup], list[str]]:
    """240 tags; those early in the list of ids are the popular ones."""
    groups = []
    ids = []
    names = [(group, tag) for group, _owner, tags in words.tag_groups for tag in tags]
    names += [(f"活动{1 + at // 20}", f"活动{at + 1:03d}") for at in range(240 - len(names))]
    by_group: dict[str, list[CorpTag]] = {}
    for at, (group, tag) in enumerate(names):
        tag_id = f"etBench{at:025d}"
        ids.append(tag_id)
        by_group.setdefault(group, []).append(CorpTag(tag_id, tag, END - SPAN, 1000 - at))
    for at, (group, tags) in enumerate(by_group.items()):
        group_id = f"etBenchGroup{at:020d}"
        groups.append(CorpTagGroup(group_id, group, END - SPAN, 100 - at, tag=tuple(tags)))
    return groups, ids


def follows(shape: Shape, words: Words, tag_ids: list[str]) -> Iterator[FollowRow]:
    """Member by member: each has new customers of their own, and shares others."""
    weights = [1 / (1 + at) for at in range(len(tag_ids))]
    for number in range(shape.staff):
        rng = random.Random(f"{shape.seed} {number}")
        first = shape.customers * number // shape.staff
        last = shape.customers * (number + 1) // shape.staff
        total = shape.follows * (number + 1) // shape.staff - shape.follows * number // shape.staff
        mine = list(range(first, last))[:total]
        shared = {rng.randrange(shape.customers) for _ in range(total - len(mine))}
        while len(shared - set(mine)) < total - len(mine):
            shared.add(rng.randrange(shape.customers))
        wanted = mine + sorted(shared - set(mine))[: total - len(mine)]
        userid = f"u{number:05d}"
        for customer in wanted:
            yield FollowRow(
                person(shape, words, customer), relation(rng, words, userid, tag_ids, weights)
            )


_BLOCK = 1000
_people: dict[int, list[tuple[str, str]]] = {}


def person(shape: Shape, words: Words, number: int) -> ExternalContact:
    """Customer `number`, the same whoever follows."""
    rng = random.Random(shape.seed * 1_000_003 + number)
    block = number // _BLOCK
    if block not in _people:
        _people[block] = words.people(random.Random(f"{shape.seed} {block}"), _BLOCK)
    nick, _real = _people[block][number % _BLOCK]
    return ExternalContact(
        customer_id(number),
        nick,
        f"https://wx.qlogo.example/{number:x}/0",
        2 if number % 50 == 0 else 1,
        int(rng.random() * 3),
        "" if number % 50 == 0 else f"o{number:027x}",
        "采购经理" if number % 50 == 0 else "",
        "浦江贸易有限公司" if number % 50 == 0 else "",
    )


def relation(
    rng: random.Random, words: Words, userid: str, tag_ids: list[str], weights: list[float]
) -> FollowInfo:
    """What a member wrote about a customer."""
    dice = rng.random
    remark = ""
    if dice() < 0.45:
        remark = rng.choice(words.surnames) + rng.choice(words.given)
        if dice() < 0.5:
            remark += " " + rng.choice(words.suffixes)
    count = int(dice() * dice() * 7)
    way = rng.choices((1, 3, 4, 6, 10, 16, 202, 0), (60, 8, 12, 6, 4, 5, 3, 2))[0]
    return FollowInfo(
        userid=userid,
        remark=remark,
        description=rng.choice(words.descriptions) if dice() < 0.15 else "",
        createtime=END - 1 - int(dice() * SPAN),
        tag_id=tuple(rng.choices(tag_ids, weights, k=count)),
        remark_mobiles=(f"13{int(dice() * 1e9):09d}",) if dice() < 0.25 else (),
        add_way=way,
        oper_userid=userid,
        state=f"{rng.choice(words.states)}-{rng.randrange(40)}"
        if way == 1 and dice() < 0.7
        else "",
    )


def build(path: Path, shape: Shape, *, tell: bool = False) -> Database:
    """Fill a new file beside `path`, then move it there; returns it open."""
    path.parent.mkdir(parents=True, exist_ok=True)
    work = path.with_name(f"{path.name}.{os.getpid()}")
    db = open_database(work, migrations(DATA_ROOMS), cache_mb=128)
    words = Words()
    began = time.perf_counter()

    def say(text: str) -> None:
        if tell:
            print(f"{time.perf_counter() - began:6.1f} s  {text}", file=sys.stderr)

    tree, shops = departments(shape, words)
    library, tag_ids = tag_library(words)
    users = [
        User(
            f"u{at:05d}",
            words.people(random.Random(f"staff {at}"), 1)[0][1],
            department=(shops[at % len(shops)],),
            position="导购",
            main_department=shops[at % len(shops)],
            status=1,
        )
        for at in range(shape.staff)
    ]
    apply_facts(db, "sync", Batch(departments=tree, staff=users, tag_groups=library), END, "1")
    userids = [user.userid for user in users]
    apply_facts(db, "sync", Batch(follow_users=userids), END, "1")
    indexes.postpone(db)
    keys = Keys()
    rows: list[FollowRow] = []
    written = 0
    for row in follows(shape, words, tag_ids):
        rows.append(row)
        if len(rows) == BATCH:
            apply_facts(db, "sync", Batch(follows=rows), END, "1", keys)
            written += len(rows)
            rows = []
            if written % 200_000 == 0:
                say(f"{written:,} follows")
                _people.clear()
    if rows:
        apply_facts(db, "sync", Batch(follows=rows), END, "1", keys)
    say("follows written; indexes")
    indexes.build(db)
    _changes(db, shape, users)
    _groups(db, shape, users)
    indexes.build(db)  # as at the end of a sync: many rows have changed since
    with db.atomic() as connection:
        connection.execute(
            "INSERT INTO staff_coverage (staff_id, complete_at, complete_run)"
            " SELECT id, ?, 1 FROM staff WHERE status = 'active'",
            (END,),
        )
        _finished_run(db)
        meta.write(connection, "bench", str(shape))
    indexes.refresh_statistics(db)
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    for tail in ("-wal", "-shm"):
        path.with_name(path.name + tail).unlink(missing_ok=True)
    work.replace(path)
    work.with_name(work.name + ".lock").unlink(missing_ok=True)
    say(f"{path}: {path.stat().st_size / 1e6:,.0f} MB")
    return open_database(path, migrations(DATA_ROOMS), cache_mb=128)


def _changes(db: Database, shape: Shape, users: list[User]) -> None:
    """1 % of the members left with their customers; some follows are missing, some lost."""
    leavers = [user.userid for user in users[::100][1:]]
    for userid in leavers:
        apply_facts(db, "sync", Batch(gone=[(userid, "left")]), END, "1")
    rows = [
        Unassigned(userid, external, END - 86_400 * (1 + at % 300))
        for at, userid in enumerate(leavers)
        for (external,) in db.execute(
            "SELECT c.external_userid FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
            " JOIN staff AS s ON s.id = f.staff_id WHERE s.userid = ? ORDER BY f.id",
            (userid,),
        ).fetchall()
    ]
    for start in range(0, len(rows), BATCH):
        apply_facts(db, "sync", Batch(unassigned=rows[start : start + BATCH]), END, "1")
    for word, step in (("missing", 997), ("lost", 499)):
        keys = [
            row[0]
            for row in db.execute(
                "SELECT id FROM follow WHERE status = 'active' AND id % ? = 0", (step,)
            )
        ]
        record = Recorder("sync", "1", END)
        with db.atomic() as connection:
            statuses.set_status(connection, keys, word, record)
            record.flush(connection)


def _groups(db: Database, shape: Shape, users: list[User]) -> None:
    """One group chat per shop, with customers of the chain."""
    chats = []
    for at in range(shape.stores):
        rng = random.Random(f"{shape.seed} group {at}")
        owner = users[at % len(users)].userid
        members = [ChatMember(owner, 1, join_time=END - SPAN, join_scene=1)]
        members += [
            ChatMember(
                customer_id(number),
                2,
                join_time=END - rng.randrange(SPAN),
                join_scene=3,
                invitor=Invitor(owner),
            )
            for number in sorted({rng.randrange(shape.customers) for _ in range(30)})
        ]
        name, chat_id = f"福利群{at + 1}", f"wrBench{at:025d}"
        chat = GroupChat(
            chat_id,
            name,
            END - SPAN,
            owner=owner,
            member_list=tuple(members),
            member_version=f"{at}",
        )
        chats.append((chat, 0))
    for start in range(0, len(chats), 200):
        apply_facts(db, "sync", Batch(chats=chats[start : start + 200]), END, "1")


def _finished_run(db: Database) -> None:
    scopes = ("departments", "staff", "tags", "follows", "unassigned", "groups")
    db.execute(
        "INSERT INTO sync_run (id, started_at, finished_at, heartbeat_at, mode, scopes, outcome)"
        " VALUES (1, ?, ?, ?, 'normal', ?, 'complete')",
        (END - 300, END, END, json.dumps(scopes)),
    )
    db.executemany(
        "INSERT INTO sync_scope (run_id, scope, outcome, started_at, finished_at)"
        " VALUES (1, ?, 'complete', ?, ?)",
        [(scope, END - 300, END) for scope in scopes],
    )


def existing(path: Path, shape: Shape) -> Database | None:
    """The mirror at `path` when it already has this shape."""
    if not path.exists():
        return None
    db = open_database(path, migrations(DATA_ROOMS))
    if meta.read(db.connection, "bench") == str(shape):
        return db
    db.close()
    return None


def get(path: Path = DEFAULT, shape: Shape | None = None) -> Database:
    """The mirror of that shape, built when it is not there yet (minutes)."""
    shape = shape or Shape()
    return existing(path, shape) or build(path, shape, tell=True)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    plain = Shape()
    for name in ("customers", "follows", "stores", "staff", "seed"):
        parser.add_argument(f"--{name}", type=int, default=getattr(plain, name))
    parser.add_argument("--out", type=Path, default=DEFAULT)
    parser.add_argument("--again", action="store_true", help="build even if it is there")
    args = parser.parse_args()
    shape = Shape(args.customers, args.follows, args.stores, args.staff, args.seed)
    if args.again or (db := existing(args.out, shape)) is None:
        db = build(args.out, shape, tell=True)
    for table in ("customer", "follow", "follow_tag", "staff", "group_member", "timeline"):
        count = db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
        print(f"{table:>14} {count:>12,}")
    db.close()


if __name__ == "__main__":
    main()
