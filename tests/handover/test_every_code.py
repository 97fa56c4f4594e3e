"""Every code of the checks: foreseen, in plain words of both languages, with the way out."""

from __future__ import annotations

import re
from pathlib import Path

from storeops import i18n
from storeops.changes.action import Row
from storeops.domains.handover import rules

ROOT = Path(__file__).parents[2]
ROOM = ROOT / "storeops" / "domains" / "handover"
HOUR, DAY = 3600, 86_400
NOTHING_HELPS = {"group_dissolved", "group_inherited"}


def known_codes() -> set[str]:
    """Every code that a check can give, read from the rooms's own source."""
    text = "".join((ROOM / f"{name}.py").read_text() for name in CHECKS)
    return set(re.findall(r'blocked\(\s*"(\w+)"', text))


CHECKS = ("checks", "to_owner_checks", "group_checks")


class Cases:
    """A mirror and a journal in which every code has a row of its own.

    Attributes:
        rows: what is asked.
        wanted: code and errcode that must be the answer, in the same order.
    """

    def __init__(self, corp) -> None:
        self.corp, self.db, self.now = corp, corp.app.data, corp.app.clock.now()
        self.rows: list[Row] = []
        self.wanted: list[tuple[str, int | None]] = []
        people = [m["userid"] for m in corp.staff()]
        self.from_owner, self.to_owner, self.second = people[:3]
        self.spare = people[3:]
        self.leaver = corp.leavers()[0]["userid"]
        self.mine = corp.customers(self.from_owner, without=self.to_owner)
        self.theirs = corp.customers(self.leaver, without=self.to_owner)
        self._chats = 0
        self._attempts = 0

    # -- what the mirror and the journal know

    def sql(self, text: str, *values) -> None:
        with self.db.atomic() as connection:
            connection.execute(text, values)

    def staff(self, userid: str, **columns) -> str:
        sets = ", ".join(f"{name} = ?" for name in columns)
        self.sql(f"UPDATE staff SET {sets} WHERE userid = ?", *columns.values(), userid)
        return userid

    def follow(self, external: str, **columns) -> str:
        sets = ", ".join(f"{name} = ?" for name in columns)
        self.sql(
            f"UPDATE follow SET {sets} WHERE customer_id = (SELECT id FROM customer WHERE"
            " external_userid = ?) AND staff_id = (SELECT id FROM staff WHERE userid = ?)",
            *columns.values(), external, self.from_owner,
        )  # fmt: skip
        return external

    def attempt(self, subject: str, status: str, ago: float, kind=rules.ON_JOB, **more) -> str:
        self._attempts += 1
        asked = self.now - ago
        self.sql(
            "INSERT INTO handover (plan_id, row, what, kind, handover_userid, takeover_userid,"
            " subject, asked_at, due_at, status, settled_at) VALUES (9001, ?, ?, ?, ?, ?, ?, ?, ?,"
            " ?, ?)",
            self._attempts, more.get("what", rules.CUSTOMER), kind,
            self.leaver if kind == rules.RESIGNED else self.from_owner, more.get("to", self.second),
            subject, asked, asked + DAY, status, None if status == "waiting" else self.now,
        )  # fmt: skip
        return subject

    def told(self, subject: str, errcode: int, held: int = 0) -> str:
        self.sql(
            "INSERT INTO handover_trouble (subject, errcode, at, held) VALUES (?, ?, ?, ?)",
            subject, errcode, self.now - HOUR, held,
        )  # fmt: skip
        return subject

    def chat(self, owner: str, **columns) -> str:
        self._chats += 1
        row = {"chat_id": f"wrCase{self._chats:03d}", "owner_userid": owner, **columns}
        row |= {"first_seen_at": 1, "updated_at": 1}
        names, marks = ", ".join(row), ", ".join("?" * len(row))
        self.sql(f"INSERT INTO group_chat ({names}) VALUES ({marks})", *row.values())
        return str(row["chat_id"])

    # -- what is asked

    def ask(
        self, code: str, errcode: int | None, external: str = "", *, chat: str = "",
        kind=rules.ON_JOB, from_owner: str = "", to: str | None = None,
    ) -> None:  # fmt: skip
        extra = {
            "what": rules.GROUP if chat else rules.CUSTOMER,
            "kind": kind,
            "to": self.to_owner if to is None else to,
        }
        if chat:
            extra["chat_id"] = chat
        from_owner = from_owner or (self.leaver if kind == rules.RESIGNED else self.from_owner)
        self.rows.append(Row(len(self.rows) + 1, external, from_owner, extra=extra))
        self.wanted.append((code, errcode))

    def customers(self) -> None:
        mine, gone = iter(self.mine), rules.RESIGNED
        self.ask("no_taker", None, next(mine), to="")
        self.ask("same_person", 40130, next(mine), to=self.from_owner)
        self.ask("giver_unknown", 60111, next(mine), from_owner="nobody-here")
        self.ask("wrong_way", 60111, self.theirs[0], from_owner=self.leaver)
        self.ask("wrong_way", 40097, next(mine), kind=gone, from_owner=self.from_owner)
        hidden = self.staff(self.spare[0], status="out_of_scope")
        self.ask("giver_out_of_scope", 60011, next(mine), from_owner=hidden)
        self.ask("customer_unknown", 40096, "wmNobodyKnowsThisOne")
        foreign = next(e for u, e in self.corp.follows() if u == self.second and e not in self.mine)
        self.ask("not_owner", 40131, foreign)
        self.ask("relation_gone", 84061, self.follow(next(mine), status="lost"))
        self.ask("out_of_scope", 84061, self.follow(next(mine), status="out_of_scope"))
        away = self.follow(next(mine), deleted_by_customer_at=int(self.now) - DAY)
        self.ask("deleted_by_customer", None, away)
        self.ask("in_handover", 40100, self.attempt(next(mine), "waiting", HOUR))
        self.ask("in_handover", 40129, self.told(next(mine), 40129))
        twice = self.attempt(self.attempt(next(mine), "done", 3 * DAY), "refused", 2 * DAY)
        self.ask("ninety_days", 40128, twice)
        self.ask("ninety_days", 40128, self.told(next(mine), 40128))
        self.ask("refused_before", 84061, kind=gone,
                 external=self.attempt(self.theirs[0], "refused", HOUR, gone))  # fmt: skip
        old = self.corp.leavers()[1]["userid"]
        self.staff(old, left_at=int(self.now) - 366 * DAY)
        self.ask("leaver_too_long", 40205, self.theirs[1], kind=gone, from_owner=old)
        back = self.spare[-2]
        waits = self.corp.customers(back)[0]
        self.sql(
            "UPDATE follow SET status = 'unassigned' WHERE staff_id = (SELECT id FROM staff"
            " WHERE userid = ?)",
            back,
        )
        self.ask("returned", 40097, waits, kind=gone, from_owner=back)

    def to_owners(self) -> None:
        who = self.mine[-1]
        unfit = iter(self.spare[1:])
        self.ask("taker_unknown", 60111, who, to="nobody-here")
        self.ask("taker_left", 60111, who, to=self.leaver)
        self.ask("taker_out_of_scope", 60011, who, to=self.spare[0])
        self.ask("taker_not_activated", 41054, who, to=self.staff(next(unfit), wecom_status=4))
        self.ask("taker_disabled", 40143, who, to=self.staff(next(unfit), wecom_status=2))
        self.ask("taker_no_contact", 84083, who, to=self.staff(next(unfit), is_follow_user=0))
        for errcode in (40098, 40205, 84083):
            self.ask("taker_refused", errcode, who, to=self.told(next(unfit), errcode))
        pair = next(unfit)
        self.told(f"{self.from_owner}>{pair}", 40205)
        self.ask("idle", 40205, who, to=pair)
        self.ask("taker_full", 40099, who, to=self.told(next(unfit), 40099, held=1))

    def groups(self) -> None:
        gone = rules.RESIGNED
        self.ask("no_taker", None, chat=self.chat(self.from_owner), to="")
        self.ask("group_unknown", 40050, chat="wrNobodyKnowsThisOne")
        self.ask("group_dissolved", 49008, chat=self.chat(self.from_owner, status="dissolved"))
        self.ask("wrong_way", 90502, chat=self.chat(self.leaver), from_owner=self.leaver)
        self.ask(
            "wrong_way",
            90500,
            chat=self.chat(self.from_owner),
            kind=gone,
            from_owner=self.from_owner,
        )
        self.ask("group_running", 90507, chat=self.chat(self.leaver, owner_status=2), kind=gone)
        self.ask("group_inherited", 90508, chat=self.chat(self.leaver, owner_status=3), kind=gone)
        self.ask("same_person", 90504, chat=self.chat(self.to_owner))
        self.ask("not_owner", 90504, chat=self.chat(self.second))
        self.ask("not_owner", 90508, chat=self.chat(self.second), kind=gone)
        for errcode in (90501, 90503, 90509):
            self.ask("group_refused", errcode, chat=self.told(self.chat(self.from_owner), errcode))
        full = self.chat(self.from_owner)
        with self.db.atomic() as connection:
            connection.executemany(
                "INSERT INTO group_member (group_id, member, type) SELECT id, ?, 2 FROM group_chat"
                " WHERE chat_id = ?",
                [(f"wmCase{number:03d}", full) for number in range(rules.FULL_GROUP)],
            )
        self.ask("group_full", 90503, chat=full)
        started = self.attempt(self.chat(self.from_owner), "waiting", HOUR, what=rules.GROUP)
        self.ask("group_running", 90507, chat=started)
        worn = self.chat(self.from_owner)
        for days in (2, 3):
            self.attempt(worn, "done", days * DAY, what=rules.GROUP)
        self.ask("ninety_days", 45009, chat=worn)
        busy = self.spare[-1]
        for _ in range(rules.GROUPS_A_DAY):
            self.attempt(f"wrOther{self._attempts}", "done", 0, what=rules.GROUP, to=busy)
        self.ask("groups_a_day", 45009, chat=self.chat(self.from_owner), to=busy)
        idle = self.told(self.second, 90510)
        self.ask("idle", 90510, chat=self.chat(idle), from_owner=idle)


def test_every_code_is_foreseen_in_both_languages_with_a_way_out(make_corp):
    corp = make_corp(stores=3, staff=24, follows=700)
    cases = Cases(corp)
    cases.customers()
    cases.to_owners()
    cases.groups()
    action = corp.app.ledger.action("handover")
    view = corp.app.ledger.view({})
    english = action.check(view, cases.rows)
    i18n.use("zh_CN")
    chinese = action.check(view, cases.rows)
    assert [(each.code, each.errcode) for each in english] == cases.wanted
    assert [(each.code, each.errcode) for each in chinese] == cases.wanted
    for said, translated in zip(english, chinese, strict=True):
        for text, other in ((said.reason, translated.reason), (said.way_out, translated.way_out)):
            if not text:
                assert said.code in NOTHING_HELPS, said
                continue
            assert re.search("[一-鿿]", other), other
            assert not re.search(r"[{}]", text + other)
        if said.code in ("in_handover", "ninety_days", "groups_a_day"):
            assert said.retry_at is not None
            assert said.retry_at > cases.now
    assert {each.code for each in english} == known_codes()


def test_the_page_explains_every_code():
    page = (ROOT / "docs" / "handover.md").read_text(encoding="utf-8")
    table = "\n".join(line for line in page.splitlines() if line.startswith("| `"))
    assert known_codes() <= set(re.findall(r"`(\w+)`", table))
