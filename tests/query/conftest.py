"""A small chain with random rows, and a second, slow reading of the filter language over them."""

import json
import random
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from types import SimpleNamespace

import pytest

from storeops.database.database import open_database
from storeops.mirror import indexes, schema, search
from storeops.reading import filter as language
from storeops.reading import filter_dates

NOW = 1_780_000_000
SURNAMES = "王李张刘陈杨赵黄"
GIVEN = "小明伟芳娜敏静丽强磊军洋勇艳杰娟涛超"
STATES = ["", "", "", "store1", "store2", "expo", "a'b", "x y"]
STATUSES = ["active"] * 12 + ["missing", "lost", "unassigned", "unassigned", "out_of_scope"]


@dataclass(eq=False)
class Follow:
    staff: int
    store: int
    createtime: int
    remark: str
    description: str
    mobiles: list
    add_way: int
    state: str
    status: str
    deleted: int | None
    tags: list


@dataclass(eq=False)
class Person:
    id: int
    external_userid: str
    name: str
    type: int
    gender: int
    unionid: str
    createtime: int = 0
    follows: list = field(default_factory=list)
    groups: set = field(default_factory=set)
    marks: set = field(default_factory=set)


class Chain(SimpleNamespace):
    """The rows and their database; its own text is short, for messages of failing tests."""

    def __repr__(self):
        return f"Chain({len(self.people)} customers)"


def make_chain(path, *, customers, seed, staff=12, stores=5, migrations=None, marks=True):
    """A mirror at `path` with random rows; returns the database and the same rows in Python."""
    rng = random.Random(seed)
    db = open_database(path, migrations or (*schema.MIGRATIONS, *search.MIGRATIONS, marks_table()))
    departments = {1: ("总部", 0), 2: ("华东", 1), 3: ("华南", 1)}
    for each in range(stores):
        departments[10 + each] = (f"{'沪穗深杭宁'[each % 5]}{each}店", 2 + each % 2)
    people = {}
    members = {}
    for each in range(1, staff + 1):
        name = rng.choice(SURNAMES) + rng.choice(GIVEN)
        members[each] = (f"guide.{each}", name, 10 + each % stores)
    tags = {
        1: ("et1", "等级", "金卡"),
        2: ("et2", "等级", "银卡"),
        3: ("et3", "兴趣", "手机"),
        4: ("et4", "兴趣", "50%_'; DROP TABLE customer;--"),
        5: ("et5", "性别", "女客"),
    }
    for each in range(1, customers + 1):
        name = rng.choice(SURNAMES) + "".join(rng.choices(GIVEN, k=rng.choice((1, 1, 2))))
        if rng.random() < 0.05:
            name = rng.choice(["Amy王", "=1+1", "a\x1b[31m", "50%", "o'Neil", "ＡＢ", "", "or"])
        person = Person(
            each,
            f"wmDemo{seed:04d}{each:08d}",
            name,
            rng.choice((1,) * 20 + (2,)),
            rng.choice((0, 1, 2)),
            f"o{each}" if rng.random() < 0.3 else "",
        )
        owners = rng.sample(sorted(members), min(len(members), rng.choice((1, 1, 1, 2, 2, 3))))
        for owner in owners:
            person.follows.append(
                Follow(
                    owner,
                    members[owner][2],
                    NOW
                    - rng.randrange(0, 500) * 86_400 // rng.choice((1, 7))
                    - rng.choice((0, 0, 7)),
                    rng.choice(["", "", name + "VIP", "老客户", "50%_折", "手机" + str(each)]),
                    rng.choice(["", "", "note"]),
                    [f"138{rng.randrange(10**8):08d}"] if rng.random() < 0.4 else [],
                    rng.choice((0, 1, 1, 3, 9, 202)),
                    rng.choice(STATES),
                    rng.choice(STATUSES),
                    NOW - 5 if rng.random() < 0.05 else None,
                    sorted(rng.sample(sorted(tags), rng.choice((0, 0, 1, 2)))),
                )
            )
        person.createtime = max(each.createtime for each in person.follows)
        person.groups = {rng.choice((1, 2))} if rng.random() < 0.2 else set()
        person.marks = {1} if rng.random() < 0.2 else set()
        people[each] = person
    with db.atomic():
        db.executemany(
            "INSERT INTO department (id, name, parentid, first_seen_at, updated_at)"
            " VALUES (?, ?, ?, 0, 0)",
            [(key, *value) for key, value in departments.items()],
        )
        db.executemany(
            "INSERT INTO staff (id, userid, name, main_department, first_seen_at, updated_at)"
            " VALUES (?, ?, ?, ?, 0, 0)",
            [(key, *value) for key, value in members.items()],
        )
        groups = {name: at for at, name in enumerate(dict.fromkeys(v[1] for v in tags.values()), 1)}
        db.executemany(
            "INSERT INTO tag_group (id, group_id, name) VALUES (?, ?, ?)",
            [(at, f"eg{at}", name) for name, at in groups.items()],
        )
        db.executemany(
            "INSERT INTO tag (id, tag_id, group_id, name) VALUES (?, ?, ?, ?)",
            [(key, v[0], groups[v[1]], v[2]) for key, v in tags.items()],
        )
        for each, name in ((1, "福利群"), (2, "新品群")):
            db.execute(
                "INSERT INTO group_chat (id, chat_id, name, first_seen_at, updated_at)"
                " VALUES (?, ?, ?, 0, 0)",
                (each, f"wr{each}", name),
            )
        write_people(db, people.values(), marks=marks)
    indexes.build(db)
    return Chain(db=db, people=people, members=members, departments=departments, tags=tags, now=NOW)


def write_people(db, people, *, marks=True):
    follow_id = db.execute("SELECT coalesce(max(id), 0) FROM follow").fetchone()[0]
    texts = []
    for person in people:
        db.execute(
            "INSERT INTO customer (id, external_userid, name, type, gender, unionid, createtime,"
            " first_seen_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, 0, 0)",
            (
                person.id,
                person.external_userid,
                person.name,
                person.type,
                person.gender,
                person.unionid,
                person.createtime,
            ),
        )
        for each in person.follows:
            follow_id += 1
            db.execute(
                "INSERT INTO follow (id, staff_id, customer_id, store_id, createtime, remark,"
                " description, mobiles, add_way, state, status, deleted_by_customer_at,"
                " first_seen_at, updated_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0)",
                (
                    follow_id,
                    each.staff,
                    person.id,
                    each.store,
                    each.createtime,
                    each.remark,
                    each.description,
                    json.dumps(each.mobiles),
                    each.add_way,
                    each.state,
                    each.status,
                    each.deleted,
                ),
            )
            for tag in each.tags:
                db.execute(
                    "INSERT INTO follow_tag VALUES (?, ?, ?, ?)",
                    (follow_id, tag, each.createtime, person.id),
                )
        for group in person.groups:
            db.execute(
                "INSERT INTO group_member (group_id, member, type) VALUES (?, ?, 2)",
                (group, person.external_userid),
            )
        for mark in person.marks if marks else ():
            db.execute("INSERT INTO mark_item VALUES (?, ?)", (mark, person.id))
        mobiles = [number for each in person.follows for number in each.mobiles]
        text = search.document(person.name, [each.remark for each in person.follows], mobiles)
        texts.append((person.id, None, text))
    search.index_customers(db.connection, texts)


def marks_table():
    from storeops.database.migrations import statements

    return statements(
        "test",
        "m001_marks",
        "CREATE TABLE mark_item (mark_id INTEGER, customer_id INTEGER,"
        " PRIMARY KEY (mark_id, customer_id)) WITHOUT ROWID;\n"
        "CREATE TABLE mark (id INTEGER PRIMARY KEY, name TEXT);\n"
        "INSERT INTO mark VALUES (1, 'picked');\n",
    )


@cache
def fold(text):
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def syllables(text):
    from pypinyin import lazy_pinyin

    found = []
    for ch in fold(text):
        if "一" <= ch <= "鿿":
            found.append(lazy_pinyin(ch)[0])
        elif ch.isascii() and ch.isalnum():
            found.append(ch)
        elif ch not in " -_.":
            found.append("")
    return found


def spelt(letters, parts):
    """Whether `letters` is made of beginnings of consecutive `parts`."""
    if not letters:
        return True
    if not parts or not parts[0]:
        return False
    return any(
        letters.startswith(parts[0][:size]) and spelt(letters[size:], parts[1:])
        for size in range(1, len(parts[0]) + 1)
    )


def in_text(word, text):
    word, text = fold(word), fold(text)
    if word in text:
        return True
    if not (word.isascii() and word.isalnum() and not word.isdigit()) or text.isascii():
        return False
    parts = syllables(text)
    return any(spelt(word, parts[at:]) for at in range(len(parts)))


class Slow:
    """The filter language read row by row in plain Python."""

    def __init__(self, chain):
        self.chain = chain

    def stores(self, name):
        tops = {
            key
            for key, (title, _up) in self.chain.departments.items()
            if name == title or name == str(key)
        }
        assert tops, name
        while True:
            more = {k for k, (_t, up) in self.chain.departments.items() if up in tops} - tops
            if not more:
                return tops
            tops |= more

    def atom(self, node, person, follow):
        """Whether one condition holds, and whether it speaks of the follow."""
        if isinstance(node, language.Word):
            word = node.text
            holds = in_text(word, person.name) or any(
                in_text(word, f.remark) for f in person.follows
            )
            if word.isdigit() and len(word) >= 3:
                holds |= any(word in number for f in person.follows for number in f.mobiles)
            return holds or (len(word) >= 8 and person.external_userid.startswith(word)), False
        key, values = node.key, node.values
        if key in ("type", "gender"):
            return getattr(person, key) in {int(each) for each in values}, False
        if key == "owners":
            count = sum(f.status == "active" for f in person.follows)
            return eval(f"{count} {values[0] if values[0][0] in '<>' else '==' + values[0]}"), False
        if key == "group":
            wanted = {"福利群": 1, "新品群": 2}
            return bool(person.groups & {wanted[each] for each in values}), False
        if key == "mark":
            return 1 in person.marks, False
        if key == "id":
            return person.external_userid in values, False
        if key == "has" and values[0] in ("unionid", "group"):
            has = {"unionid": bool(person.unionid), "group": bool(person.groups)}
            return any(has[each] for each in values), False
        if follow is None:
            return False, True
        return self.on_follow(key, values, follow), True

    def on_follow(self, key, values, f):
        chain = self.chain
        if key == "owner":
            return any(value in chain.members[f.staff][:2] for value in values)
        if key == "tag":
            return any(
                value in (chain.tags[tag][0], chain.tags[tag][2], "/".join(chain.tags[tag][1:]))
                for value in values
                for tag in f.tags
            )
        if key == "store":
            return any(f.store in self.stores(value) for value in values)
        if key == "status":
            return any(f.deleted if each == "deleted" else f.status == each for each in values)
        if key == "state":
            return bool(f.state) and any(
                f.state.startswith(each[:-1]) if each.endswith("*") else f.state == each
                for each in values
            )
        if key == "way":
            return str(f.add_way) in values
        if key == "since":
            return f.createtime >= filter_dates.span(values[0], chain.now)[0]
        if key == "until":
            return f.createtime < filter_dates.span(values[0], chain.now)[1]
        assert key == "has", key
        has = {
            "phone": f.mobiles,
            "remark": f.remark,
            "description": f.description,
            "state": f.state,
            "tag": f.tags,
        }
        return any(has[each] for each in values)

    def ways(self, node, person, follow):
        """{True, False} subsets: satisfied with / without a word about the follow."""
        if isinstance(node, language.Not):
            others = person.follows or [None]
            hit = any(self.ways(node.item, person, each) for each in others)
            return set() if hit else {False}
        if isinstance(node, language.And):
            found = {False}
            for each in node.items:
                step = self.ways(each, person, follow)
                found = {a or b for a in found for b in step}
            return found
        if isinstance(node, language.Or):
            return {way for each in node.items for way in self.ways(each, person, follow)}
        holds, on_follow = self.atom(node, person, follow)
        return {on_follow} if holds else set()

    def position(self, node, person):
        """The createtime at which a customer stands in the list; None when it does not match."""
        places = [
            each.createtime if on_follow else person.createtime
            for each in person.follows
            for on_follow in self.ways(node, person, each)
        ]
        return max(places, default=None)

    def order(self, node, sort):
        """Customer ids in the order of a list."""
        keys = {each.id: self.position(node, each) for each in self.chain.people.values()}
        hits = [key for key, place in keys.items() if place is not None]
        if sort == "name":
            return sorted(hits, key=lambda each: (self.chain.people[each].name.encode(), each))
        return sorted(hits, key=lambda each: (keys[each], each), reverse=sort == "newest")


@pytest.fixture(scope="session")
def chain_maker():
    return make_chain


@pytest.fixture(scope="session")
def slow_reader():
    return Slow


@pytest.fixture(scope="session")
def chain(tmp_path_factory):
    made = make_chain(tmp_path_factory.mktemp("chain") / "data.db", customers=300, seed=1)
    yield made
    made.db.close()
