"""Forty questions a chain asks, each one command, each answered a second time in plain Python.

docs/questions.md shows the same commands; the slow answers below know nothing of the filter
language. The same table runs over 100,000 follows in tests/chaos/questions.py.
"""

import json
import re
import shlex
from collections import Counter
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

DOC = Path(__file__).parents[2] / "docs" / "questions.md"
CHINA = timezone(timedelta(hours=8))
ORDER = ("active", "unassigned", "out_of_scope", "missing", "lost")


def day(year, month, number=1):
    return int(datetime(year, month, number, tzinfo=CHINA).timestamp())


class World:
    """The rows, and words to ask them with."""

    def __init__(self, chain):
        self.chain = chain
        self.now = chain.now
        self.people = list(chain.people.values())
        self.name = {key: value[1] for key, value in chain.members.items()}
        self.userid = {key: value[0] for key, value in chain.members.items()}

    def tags(self, follow):
        return {self.chain.tags[each][2] for each in follow.tags}

    def paths(self, follow):
        return {"/".join(self.chain.tags[each][1:]) for each in follow.tags}

    def all_tags(self, person):
        return {tag for each in person.follows for tag in each.tags}


def some(test):
    """Customers with a follow that passes; `test(world, follow)`."""
    return lambda world, person: any(test(world, each) for each in person.follows)


def both(*tests):
    return lambda world, person: all(test(world, person) for test in tests)


def no(test):
    return lambda world, person: not test(world, person)


def contains(text):
    return lambda world, person: (
        text in person.name or any(text in f.remark for f in person.follows)
    )


def actives(person):
    return sum(each.status == "active" for each in person.follows)


def months_back(now, back):
    moment = datetime.fromtimestamp(now, CHINA)
    year, month = moment.year, moment.month - back
    while month < 1:
        year, month = year - 1, month + 12
    return day(year, month)


LISTS = {
    1: some(lambda w, f: f.store == 12 and f.createtime >= day(2026, 5)),
    2: both(
        some(lambda w, f: f.store == 12 and f.createtime >= day(2026, 1)),
        lambda w, p: not w.all_tags(p),
    ),
    3: lambda w, p: actives(p) > 1,
    4: lambda w, p: actives(p) == 0,
    5: some(
        lambda w, f: (
            f.state == "expo" and months_back(w.now, 1) <= f.createtime < months_back(w.now, 0)
        )
    ),
    6: some(lambda w, f: f.status == "unassigned" and f.mobiles),
    7: some(lambda w, f: f.deleted is not None),
    8: some(lambda w, f: w.userid[f.staff] == "guide.1" and "金卡" in w.tags(f)),
    9: both(
        some(lambda w, f: w.userid[f.staff] == "guide.1"),
        no(some(lambda w, f: "金卡" in w.tags(f))),
    ),
    10: some(lambda w, f: {"金卡", "手机"} <= w.tags(f)),
    11: some(lambda w, f: {"金卡", "银卡"} & w.tags(f)),
    12: some(lambda w, f: "等级/金卡" in w.paths(f)),
    13: some(lambda w, f: f.add_way == 1 and f.createtime >= w.now - 30 * 86400),
    14: some(lambda w, f: f.add_way == 202),
    15: both(some(lambda w, f: f.status == "active"), no(some(lambda w, f: f.remark != ""))),
    16: both(
        some(lambda w, f: f.store in (10, 11)),
        no(some(lambda w, f: bool(f.mobiles))),
    ),
    17: contains("王"),
    18: both(contains("老客户"), some(lambda w, f: f.store == 10)),
    19: lambda w, p: (
        any("138" in phone for f in p.follows for phone in f.mobiles) or contains("138")(w, p)
    ),
    20: some(lambda w, f: f.status in ("lost", "missing")),
    21: both(some(lambda w, f: f.status == "lost"), no(some(lambda w, f: f.status == "active"))),
    22: lambda w, p: p.type == 2,
    23: both(lambda w, p: p.gender == 2, some(lambda w, f: f.store == 11)),
    24: lambda w, p: 1 in p.groups,
    25: both(lambda w, p: not p.groups, some(lambda w, f: f.store == 12)),
    26: some(lambda w, f: day(2026, 3) <= f.createtime < day(2026, 4)),
    27: some(lambda w, f: day(2026, 2, 14) <= f.createtime < day(2026, 2, 15)),
    28: some(lambda w, f: f.state.startswith("store")),
    29: lambda w, p: bool(p.unionid) and not w.all_tags(p),
    30: some(lambda w, f: f.store in (10, 12, 14) and f.status == "active"),
    31: some(lambda w, f: w.userid[f.staff] in ("guide.2", "guide.3") and f.description != ""),
    32: lambda w, p: (
        some(lambda w, f: "金卡" in w.tags(f))(w, p)
        or some(lambda w, f: w.userid[f.staff] == "guide.4" and f.mobiles)(w, p)
    ),
    33: both(
        some(lambda w, f: f.store == 10 and f.add_way in (1, 3)),
        no(some(lambda w, f: "手机" in w.tags(f))),
    ),
    34: lambda w, p: bool(p.marks) and any(f.status == "active" for f in p.follows),
    35: some(lambda w, f: f.createtime <= w.now - 365 * 86400 and f.status == "active"),
}


def by(key):
    """Customers per value."""

    def count(world, keep):
        found = Counter()
        for person in world.people:
            found.update({key(world, each) for each in person.follows if keep(world, each)})
        return {str(value): number for value, number in found.items()}

    return count


def per_tag(world, keep):
    found = Counter()
    for person in world.people:
        found.update({tag for each in person.follows if keep(world, each) for tag in each.tags})
    return {world.chain.tags[tag][0]: number for tag, number in found.items()}


def everything(_world, _follow):
    return True


STATS = {
    36: (by(lambda w, f: f.store), everything),
    37: (by(lambda w, f: w.userid[f.staff]), lambda w, f: f.store == 10),
    38: (per_tag, lambda w, f: f.status == "active"),
    39: (
        by(lambda w, f: datetime.fromtimestamp(f.createtime, CHINA).strftime("%Y-%m")),
        lambda w, f: f.state == "expo",
    ),
    40: (by(lambda w, f: f.add_way), lambda w, f: f.createtime >= day(2026, 1)),
}


def questions():
    """Number → (question, words of the command), from the document."""
    found = {}
    for line in DOC.read_text(encoding="utf-8").splitlines():
        row = re.fullmatch(r"\| (\d+) \| (.+?) \| `(.+)` \|", line)
        if row:
            found[int(row[1])] = (row[2], shlex.split(row[3].replace("\\|", "|"))[1:])
    return found


QUESTIONS = questions()


def check(world, number, words, answer):
    """Compare one answer with the slow one.

    Args:
        answer: runs a command line and gives its stdout.
    """
    if number in LISTS:
        out = answer(*words, "--all", "--ndjson", "--fields", "external_userid")
        found = [json.loads(line)["external_userid"] for line in out.splitlines()]
        expected = {each.external_userid for each in world.people if LISTS[number](world, each)}
        assert len(found) == len(set(found))
        assert set(found) == expected
        return len(found)
    count, keep = STATS[number]
    out = json.loads(answer(*words, "--all", "--json"))
    found = {str(each["value"]): each["customers"] for each in out["items"]}
    assert found == count(world, keep)
    return len(found)


def test_the_document_asks_forty_questions():
    assert sorted(QUESTIONS) == list(range(1, 41))
    assert set(LISTS) | set(STATS) == set(QUESTIONS)


@pytest.mark.parametrize("number", sorted(QUESTIONS))
def test_a_question_is_answered_as_the_slow_way_answers_it(number, ask, chain_home):
    world = World(chain_home[1])

    def answer(*words):
        found = ask(*words)
        assert found.code == 0, found.err
        return found.out

    rows = check(world, number, QUESTIONS[number][1], answer)
    if number in LISTS and number not in (27,):
        assert 0 < rows < len(world.people), "the question must part the random customers"
