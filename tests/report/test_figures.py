"""Figures of simulated days beside figures counted straight from the sandbox's record."""

from __future__ import annotations

import json
import random
from collections import defaultdict
from typing import Any

import pytest

from storeops import times
from storeops.domains.report import kept
from storeops.domains.report.figures import MAIN, figures
from storeops.mirror import column_store
from storeops.operations.reports import period
from tests.events.calling_corp import CallingCorp
from tests.handover.conftest import DAY, HandoverCorp

MIDNIGHT = 1_767_225_600 - 8 * 3600  # in China


class Days:
    """A chain that lives for some days, and what its record says of each."""

    def __init__(self, make_corp: Any, seed: int, *, events: bool) -> None:
        self.dice = random.Random(seed)
        self.corp: HandoverCorp = make_corp(
            stores=3, staff=9, follows=90, seed=seed, start_at=MIDNIGHT - 12 * 3600,
            handover_at_once_rate=0, handover_early_rate=0, handover_refuse_rate=0,
            handover_delete_rate=0,
        )  # fmt: skip
        self.control, self.app = self.corp.control, self.corp.app
        self.wire = CallingCorp(self.corp) if events else None
        self.go_to(MIDNIGHT + 2 * 3600)
        self.corp.sync()  # the reading that closes the day before the first
        self.shop = {  # of who had left before the first reading nobody tells the shop
            m["userid"]: m["main_department"]
            for m in self.control.export("staff")
            if not m["left_at"]
        }
        self.truth: dict[int, dict[Any, dict[str, int]]] = {}
        self.lost: dict[int, dict[tuple[str, str], str]] = defaultdict(dict)
        self.new: dict[int, set[tuple[str, str]]] = defaultdict(set)
        self.tags: dict[int, int] = defaultdict(int)

    def close(self) -> None:
        if self.wire is not None:
            self.wire.close()

    def go_to(self, moment: int) -> None:
        self.control.advance(moment - self.control.now())
        self.app.client.learn_time()

    def live(self, day: int, acts: int) -> None:
        """A day with a number of acts, then the night that closes it."""
        start = MIDNIGHT + day * DAY
        # an hour for each kind of thing, so that no answer falls on another day
        for step in range(acts):
            self.go_to(start + 9 * 3600 + step * 600)
            self._act(day)
        self._hand_over(start)
        self.go_to(self.control.now() + 600)
        if self.wire is not None:
            self.wire.settle()
        self.corp.watch(everything=True)
        self.go_to(start + DAY - 60)
        self.truth[day] = self._count(day)
        self.go_to(start + DAY + 2 * 3600)
        if self.wire is not None:
            self.wire.settle()
        self.corp.sync()
        self.corp.watch()

    def _act(self, day: int) -> None:
        rows = [r for r in self.control.export("follows") if r["listed"]]
        row = self.dice.choice(rows)
        pair = {"userid": row["userid"], "external_userid": row["external_userid"]}
        key = (row["userid"], row["external_userid"])
        what = self.dice.choice(["add", "add", "again", "delete", "deleted", "tag", "tag"])
        if what == "add":
            done = self.control.act("follow_add", userid=row["userid"])
            self.new[day].add((done["userid"], done["external_userid"]))
        elif what == "again":  # a customer of one guide adds another
            other = self.dice.choice(sorted({r["userid"] for r in rows}))
            if (other, row["external_userid"]) in {
                (r["userid"], r["external_userid"]) for r in rows
            }:
                return
            done = self.control.act(
                "follow_add", userid=other, external_userid=row["external_userid"]
            )
            self.new[day].add((done["userid"], done["external_userid"]))
        elif what == "delete" and key not in self.new[day] and not row["deleted_by_customer_at"]:
            self.control.act("follow_delete", **pair)
            self.lost[day][key] = "guide"
        elif what == "deleted" and not row["deleted_by_customer_at"]:
            self.control.act("deleted_by_customer", **pair)
            self.lost[day][key] = "customer"
        elif what == "tag":
            library = [t["tag_id"] for t in self.control.export("tags") if not t["strategy_id"]]
            fresh = [tag for tag in library if tag not in row["tag_id"]]
            done = self.control.act("tag_mark", **pair, add=[self.dice.choice(fresh)])
            self.tags[day] += len(done["add"])

    def _hand_over(self, start: int) -> None:
        """One guide hands two customers over: one agrees after 24 hours, one refuses at once."""
        from_owners = [m["userid"] for m in self.corp.staff()][:2]
        free = self.corp.customers(from_owners[0], without=from_owners[1])
        known = {r["external_userid"] for r in self.control.export("handovers")}
        free = [each for each in free if each not in known][:2]
        if len(free) < 2:
            return
        self.corp.decide(free[1], "refuse", after_s=60)
        self.corp.sync()
        made = self.corp.plan(from_owners[0], to=from_owners[1], where=" or ".join(free))
        self.corp.apply(made)

    def _count(self, day: int) -> dict[Any, dict[str, int]]:
        """The record's own figures: None is the chain, a number a shop, a text a guide."""
        start, end = MIDNIGHT + day * DAY, MIDNIGHT + (day + 1) * DAY
        lines: dict[Any, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))

        def note(userid: str, external: str, *names: str) -> None:
            for line in (None, self.shop.get(userid, 0), userid):
                for name in names:
                    lines[line][name].add(external)

        for row in self.control.export("follows"):
            if not row["listed"] and row["status"] != "unassigned":
                continue
            note(row["userid"], row["external_userid"], "customers")
            if row["tag_id"] or row["status"] == "unassigned":
                note(row["userid"], row["external_userid"], "tagged")
        for userid, external in self.new[day]:
            note(userid, external, "new")
        for userid, external in self.lost[day]:
            note(userid, external, "lost")
        for row in self.control.export("handovers"):
            who = (row["handover_userid"], row["external_userid"])
            settled = row["settled_at"]
            if settled and start <= settled < end:
                name = {"done": "handed_over", "refused": "refused"}.get(row["outcome"])
                if name:
                    note(*who, name)
            if row["asked_at"] < end and (not settled or settled >= end):
                note(*who, "waiting")
        found = {}
        for line, sets in lines.items():
            sets["untagged"] = sets["customers"] - sets["tagged"]
            found[line] = {name: len(sets[name]) for name in MAIN}
        return found


def shown(found: Any) -> dict[Any, dict[str, int]]:
    lines: dict[Any, dict[str, int]] = {None: found.totals.main()}
    lines |= {each.department_id: each.figures.main() for each in found.stores}
    lines |= {each.userid: each.figures.main() for each in found.guides}
    return {line: row for line, row in lines.items() if any(row.values())}


@pytest.mark.parametrize("seed", [3, 8, 21])
def test_figures_equal_the_sandboxs_record(
    make_corp: Any, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    days = Days(make_corp, seed, events=True)
    try:
        at_once = {}
        for day in range(3):
            days.live(day, acts=10)
            on = times.day(MIDNIGHT + day * DAY)
            now = days.app.clock.now()
            at_once[on] = figures(days.app.data, period(now, on=on), now)
        now = days.app.clock.now()
        for day in range(3):
            on = times.day(MIDNIGHT + day * DAY)
            found = figures(days.app.data, period(now, on=on), now)
            want = {line: row for line, row in days.truth[day].items() if any(row.values())}
            have = shown(found)
            differing = {
                f"{line} {name}": (have.get(line, {}).get(name), want.get(line, {}).get(name))
                for line in have.keys() | want.keys()
                for name in MAIN
                if have.get(line, {}).get(name, 0) != want.get(line, {}).get(name, 0)
            }
            assert not differing, (seed, on)
            assert found.complete, found.notes
            assert found.totals.tags_given == days.tags[day]
            ended = list(days.lost[day].values())
            assert found.totals.lost_by_customer <= ended.count("customer")
            assert found.totals.lost_by_guide <= ended.count("guide")
            # asked in the morning or days later: the same
            assert shown(at_once[on]) == shown(found)
            assert at_once[on].totals.as_dict() == found.totals.as_dict()
        kept_for_shops(days, now)
        # a large mirror is counted by its columns, and comes out the same
        monkeypatch.setattr(column_store, "SMALL", 0)
        for on, before in at_once.items():
            assert shown(figures(days.app.data, period(now, on=on), now)) == shown(before)
    finally:
        days.close()


def kept_for_shops(days: Days, now: float) -> None:
    """What a morning keeps is what a report says; the next one writes what changed, and no more."""
    data = days.app.data
    first = kept.keep(data, now)
    days_of = [times.day(MIDNIGHT + day * DAY) for day in range(3)]
    assert {each.since for each in first.spans if each.days == 1} >= set(days_of)
    assert kept.keep(data, now).lines == 0
    for on in days_of:
        found = period(now, on=on)
        documents = dict(
            data.execute(
                "SELECT store_id, document FROM report_kept WHERE start = ? AND ends = ?",
                (found.start, found.end),
            ).fetchall()
        )
        counted = figures(data, found, now)
        assert documents
        for each in counted.stores:
            if each.department_id not in documents:
                assert not each.department_id or not each.figures.any()
                continue
            told = json.loads(documents[each.department_id])
            assert told["store"] == {k: v for k, v in each.figures.as_dict().items() if v != 0}
            assert {one["userid"] for one in told["guides"].values()} == {
                one.userid for one in counted.guides if one.department_id == each.department_id
            }
    # days of which all is known are not counted anew; what is old goes
    later = kept.due(data, now + DAY)
    assert not {each.since for each in later if each.days == 1} & set(days_of)
    gone = kept.keep(data, now + 100 * DAY)
    (oldest,) = data.execute("SELECT min(ends) FROM report_kept WHERE ends - start < 86401")
    assert gone.removed
    assert oldest[0] >= now + (100 - kept.DAYS_KEPT) * DAY


def test_statistics_are_read_once_and_again_before_nine(make_corp: Any) -> None:
    """Chats and replies per guide, as the API tells them; nothing is asked twice."""
    from storeops.domains.report.behaviour import fetch, replies
    from storeops.errors import UsageError

    corp: HandoverCorp = make_corp(stores=2, staff=4, follows=40, start_at=MIDNIGHT + 3600)
    app, path = corp.app, "get_user_behavior_data"
    now = app.clock.now()
    days = period(now, since=times.day(MIDNIGHT - 40 * DAY))
    done = fetch(app.data, app.client, days, now)
    guides = [m["userid"] for m in corp.staff()]
    assert (done.days, done.calls, done.failed) == (40 * done.members, 2 * done.members, {})
    assert corp.calls(path) == 2 * done.members
    for userid in guides:
        answer = app.client.raw(
            "post", f"externalcontact/{path}",
            body={"userid": [userid], "start_time": days.end - 10 * DAY, "end_time": days.end - 1},
            write=False,
        )["behavior_data"]  # fmt: skip
        ten = period(now, since=times.day(days.end - 10 * DAY))
        heard = replies(app.data, ten)[userid.lower()]
        assert heard.days == 10
        assert heard.chat_cnt == sum(row["chat_cnt"] for row in answer)
        shares = [row["reply_percentage"] for row in answer if "reply_percentage" in row]
        assert heard.reply_percentage == (round(sum(shares) / len(shares), 2) if shares else None)
    # yesterday's figures of one in the morning are no last word, the others are
    again = fetch(app.data, app.client, days, now)
    assert (again.calls, again.days) == (done.members, done.members)
    corp.control.advance(9 * 3600)
    app.client.learn_time()
    later = app.clock.now()
    assert fetch(app.data, app.client, days, later).calls == done.members
    assert fetch(app.data, app.client, days, later).calls == 0
    with pytest.raises(UsageError, match="until yesterday"):
        fetch(app.data, app.client, period(later, on="today"), later)
