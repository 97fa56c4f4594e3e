"""A month of a chain whose guides care for customers: leavers, assignments in the console,
handovers, orders, complaints, wishes for quiet, caps; and what must hold every day.

What the sandbox's own record says of who has whom is the truth; tasks and messages are compared
with it.
"""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path
from typing import Any

from storeops import times
from storeops.domains.care import matters, rules, sending, tasks
from storeops.domains.care.rules import CareRule
from storeops.domains.orders import value
from storeops.domains.orders.importing import OrderRequest, import_orders
from storeops.errors import StoreOpsError
from storeops.sandbox import local
from tests.handover.conftest import DAY, HandoverCorp

HEAD = "order_no,paid_at,external_userid,code,product,quantity,amount,original\n"
RULES = [
    CareRule("works-3", "after-purchase", 3, priority=5),
    CareRule("works-7", "after-purchase", 7, workdays=True),
    CareRule("milk", "replenishment", 1, expires=5),
    CareRule("silent", "silent", 6, orders=3, expires=3),
    CareRule("complaint", "complaint", 2, priority=10),
    CareRule("new-owner", "new-owner", 0, priority=9),
]
ENDED = tasks.ENDED


class CareMonth:
    """Days of one chain.

    Args:
        corp: a sandbox and a profile; nothing is synced yet.
        folder: for files of orders.
        seed: of the dice.
        cap: tasks of a guide a day.
    """

    def __init__(self, corp: HandoverCorp, folder: Path, seed: int, cap: int = 3) -> None:
        self.corp, self.folder, self.cap = corp, folder, cap
        self.dice = random.Random(seed)
        self.db = corp.app.data
        self.seen = Counter[str]()
        self.number = 0
        self.ended: dict[int, str] = {}  # tasks that were over on some evening
        self.assigned: list[str] = []  # leavers whom the console deals with the day after
        self.heard = 0  # messages in the sandbox's inbox
        corp.sync()
        rules.adopt(self.db, RULES, self.now)

    @property
    def now(self) -> float:
        return self.corp.app.clock.now()

    def day(self, acts: int, orders: int) -> list[str]:
        """A day; what must not be."""
        self.corp.advance(DAY)
        for _act in range(acts):
            self._act()
        self._assign()
        self._orders(orders)
        self.corp.sync()
        self.corp.watch(everything=True)
        self.corp.sync()
        if self.number and self.dice.random() < 0.2:
            value.run_value(self.db, self.now)
        for _again in range(2):
            done = tasks.plan_care(self.db, self.now, cap=self.cap)
            for name in ("made", "moved", "gone", "lapsed", "given"):
                self.seen[name] += getattr(done, name)
        wrong = self._wrong()
        wrong += self._told()
        self._work()
        return wrong

    # -- what happens --------------------------------------------------------------------------

    def _act(self) -> None:
        kind = self.dice.choices(
            ("follow_add", "follow_delete", "deleted_by_customer", "staff_leave", "handover",
             "complaint", "quiet"),
            (8, 4, 3, 0.4, 2, 4, 3),
        )[0]  # fmt: skip
        self.seen[kind] += 1
        staff = self.corp.staff()
        if kind in ("complaint", "quiet"):
            external = self.dice.choice(self._customers())
            until = int(self.now) + 5 * DAY if kind == "quiet" else None
            try:
                matters.open_matter(self.db, external, kind, "because", "boss", self.now,
                                    until=until)  # fmt: skip
            except StoreOpsError:  # not known yet, or quiet already
                self.seen[kind] -= 1
            return
        if kind == "handover":
            giver, taker = self.dice.sample([each["userid"] for each in staff], 2)
            held = self.corp.customers(giver, without=taker)[:3]
            if held:
                self.corp.decide(held, "accept")
                made = self.corp.plan(giver, to=taker, where=" or ".join(f"id:{e}" for e in held))
                self.corp.apply(made)
            return
        about: dict[str, Any] = {"seed": self.dice.randrange(1 << 30)}
        if kind == "staff_leave":
            if len(staff) < 6:
                return
            about["userid"] = self.dice.choice(staff[:-1])["userid"]
            self.assigned.append(about["userid"])
        try:
            self.corp.control.act(kind, **about)
        except local.ControlError:
            return

    def _assign(self) -> None:
        """The console gives half of a leaver's customers away each day."""
        for leaver in list(self.assigned):
            held = len(self.corp.customers(leaver))
            if not held:
                self.assigned.remove(leaver)
                continue
            taker = self.dice.choice(self.corp.staff())["userid"]
            try:
                done = self.corp.control.act(
                    "console_assign", userid=leaver, takeover_userid=taker, count=(held + 1) // 2
                )
                self.seen["assigned"] += len(done["external_userids"])
            except local.ControlError:
                self.assigned.remove(leaver)

    def _customers(self) -> list[str]:
        return sorted({external for _userid, external in self.corp.follows()})

    def _orders(self, count: int) -> None:
        people = self._customers()
        keen = people[:: max(1, len(people) // 12)]
        rows = []
        day = times.day(self.now)
        for _order in range(count):
            self.number += 1
            who = self.dice.choice(keen if self.dice.random() < 0.6 else people)
            code = self.dice.choice("XMMP")
            rows.append(f"S{self.number},{day} 00:30,{who},{code},Article {code},1,9,")
            if self.dice.random() < 0.1:
                rows.append(f"R{self.number},{day} 00:40,{who},{code},,-1,-9,S{self.number}")
        path = self.folder / f"{self.number}.csv"
        path.write_text(HEAD + "\n".join(rows) + "\n", "utf-8")
        assert not import_orders(self.db, OrderRequest("till", str(path)), self.now).problems

    def _work(self) -> None:
        """Guides do some of what they have."""
        for row in tasks.list_tasks(self.db, self.now):
            luck = self.dice.random()
            if luck < 0.4:
                tasks.end_task(self.db, row["id"], "done", row["userid"], self.now, "ok")
            elif luck < 0.5:
                later = int(self.now) + 2 * DAY
                tasks.snooze(self.db, row["id"], later, row["userid"], self.now)
            elif luck < 0.55:
                tasks.end_task(self.db, row["id"], "skipped", row["userid"], self.now, "no")

    # -- what must hold ------------------------------------------------------------------------

    def _wrong(self) -> list[str]:
        wrong: list[str] = []
        day = times.day(self.now)
        rows = self.db.rows("SELECT * FROM care_task")
        open_ = [row for row in rows if row["status"] == "open"]
        triples = Counter((r["external_userid"], r["reason"], r["subject"]) for r in rows)
        wrong += [f"twice: {each}" for each, times_ in triples.items() if times_ > 1]
        pairs = Counter((row["external_userid"], row["reason"]) for row in open_)
        wrong += [f"two open: {each}" for each, times_ in pairs.items() if times_ > 1]
        now_ended = {row["id"]: row["status"] for row in rows if row["status"] != "open"}
        wrong += [
            f"{number} was {status}" for number, status in self.ended.items()
            if now_ended.get(number) != status
        ]  # fmt: skip
        self.ended = now_ended
        has: dict[str, dict[str, tuple[int, str]]] = {}
        for (userid, external), row in self.corp.follows().items():
            has.setdefault(external, {})[userid.lower()] = (row["createtime"], row["status"])
        quiet = {
            external
            for (external,) in self.db.execute(
                "SELECT external_userid FROM care_matter WHERE kind = 'quiet'"
                " AND closed_at IS NULL AND until > ?", (int(self.now),)
            )
        }  # fmt: skip
        given: Counter[str] = Counter()
        for row in rows:
            if row["day"] == day:
                given[row["userid"].lower()] += 1
        wrong += [f"{who} has {count} today" for who, count in given.items() if count > self.cap]
        for row in open_:
            external, userid = row["external_userid"], row["userid"].lower()
            followers = has.get(external, {})
            if not followers:
                wrong.append(f"{row['id']}: {external} is gone")
                continue
            active = {each: at for each, (at, how) in followers.items() if how == "active"}
            if active and (userid not in active or active[userid] > min(active.values())):
                wrong.append(f"{row['id']}: {userid} is not the owner, {active} are")
            if not active and row["day"] == day:
                wrong.append(f"{row['id']}: given to the leaver {userid}")
            self.seen["waits for an owner"] += not active
            if external in quiet and row["kind"] != "complaint":
                wrong.append(f"{row['id']}: {external} asked for quiet")
        return wrong

    def _told(self) -> list[str]:
        """Each guide hears of each task of hers once, and of nobody else's."""
        want = Counter(row["userid"] for row in tasks.list_tasks(self.db, self.now))
        sent = sending.send(self.corp.app)
        wrong = [f"{each.message}: {how}" for each, how in sent if how != "sent"]
        if sending.send(self.corp.app):
            wrong.append("told twice")
        inbox = self.corp.control.call("GET", "inbox")["items"]
        heard: Counter[str] = Counter()
        for row in inbox[self.heard :]:
            heard[row["to"]] += len(re.findall(r"^\d+\. ", row["body"], re.MULTILINE))
        self.heard = len(inbox)
        self.seen["told"] += heard.total()
        return [*wrong, *([f"told {heard}, tasks {want}"] if heard != want else [])]
