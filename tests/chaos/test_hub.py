"""A day of a chain with head office, server and back offices as processes, cut and killed.

CHAOS_OFFICES back offices (8), CHAOS_HUB_S seconds of trouble (120), CHAOS_SEED (1).
"""

from __future__ import annotations

import json
import os
import time
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from storeops.app import App
from storeops.changes import plans
from storeops.changes.action import FINAL_STATUSES
from storeops.hub import following, outbox, requests
from tests.chaos.hub_chain import HubChain, make
from tests.hub.test_truth import expected, held

OFFICES = int(os.environ.get("CHAOS_OFFICES", "8"))
SECONDS = float(os.environ.get("CHAOS_HUB_S", "120"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
QUIET_S = 300.0
SETTLED = {*FINAL_STATUSES, "blocked"}


def test_a_chain_that_is_cut_and_killed(tmp_path: Path) -> None:
    sandbox, chain = make(tmp_path / "home", OFFICES, SEED)
    try:
        seen = {code: own_ids(chain, shop) for code, shop in shops(chain)}
        day(chain, seen)
        settle(chain, seen)
        problems = [
            *mirrors(chain), *answers(chain), *twice(chain), *strangers(chain, seen),
        ]  # fmt: skip
        report(chain)
        assert not problems, "\n".join(problems[:20])
    finally:
        chain.close()
        sandbox.stop()


def shops(chain: HubChain) -> list[tuple[str, int]]:
    return list(zip(chain.codes, chain.departments, strict=True))


def own_ids(chain: HubChain, shop: int) -> set[str]:
    """Customers that the shop may know by head office's mirror now: its own, and those who are in
    its groups."""
    return {
        row[0]
        for row in chain.office.data.execute(
            "SELECT c.external_userid FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
            " WHERE f.store_id = :shop UNION SELECT m.member FROM group_member AS m"
            " JOIN group_chat AS g ON g.id = m.group_id JOIN staff AS s ON s.userid ="
            " g.owner_userid WHERE s.main_department = :shop",
            {"shop": shop},
        )
    }


def look(chain: HubChain, seen: dict[str, set[str]]) -> None:
    for code, shop in shops(chain):
        seen[code] |= own_ids(chain, shop)


def day(chain: HubChain, seen: dict[str, set[str]]) -> None:
    chain.all_up()
    end = time.monotonic() + SECONDS
    turn = 0
    while time.monotonic() < end:
        turn += 1
        for _each in range(3):
            chain.act()
        if turn % 8 == 0:
            chain.sync()
            look(chain, seen)
        if len(chain.asking) < 3:
            chain.ask(kill=turn % 3 == 0)
        chain.hear()
        if turn % 3 == 0:
            chain.decide()
        if turn % 4 == 2:
            chain.fault()
        chain.cut()
        if turn % 3 == 1:
            chain.kill()
        time.sleep(chain.dice.uniform(0.5, 2.0))
        chain.all_up()


def settle(chain: HubChain, seen: dict[str, set[str]]) -> None:
    """Mend everything, decide what waits, and wait until nothing moves."""
    chain.sandbox.control.clear_faults()
    chain.hear(all_=True)
    time.sleep(16)  # the longest cut
    chain.all_up()
    end = time.monotonic() + QUIET_S
    quiet = 0
    chain.sync()
    look(chain, seen)
    while quiet < 3:
        assert time.monotonic() < end, "it does not come to rest: " + state(chain)
        chain.decide()
        chain.all_up()
        quiet = quiet + 1 if still(chain) else 0
        time.sleep(2)
    for _each in range(3):
        if open_handovers(chain):
            chain.a_day_later()
    chain.sync()
    look(chain, seen)
    while outbox.waiting(chain.office.data)[0]:
        assert time.monotonic() < end, "it is not published: " + state(chain)
        time.sleep(0.5)
    for process in chain.following.values():
        process.terminate()
    for process in chain.following.values():
        process.wait(60)
    for profile in chain.profiles:
        app = App.open(profile)
        following.follow(app, once=True)
        app.close()


def open_handovers(chain: HubChain) -> int:
    return chain.office.data.execute(
        "SELECT count(*) FROM handover WHERE status = 'waiting'"
    ).fetchone()[0]


def still(chain: HubChain) -> bool:
    """Whether nothing waits anywhere."""
    data = chain.office.data
    open_ = data.execute(
        "SELECT count(*) FROM job WHERE status IN ('queued', 'sending', 'unknown')"
    ).fetchone()[0]
    unsent = 0
    for profile in chain.profiles:
        app = App.open(profile)
        unsent += app.data.execute(
            "SELECT count(*) FROM hub_asked WHERE sent_at IS NULL"
        ).fetchone()[0]
        app.close()
    return not (
        open_ or unsent or requests.waiting(data) or requests.to_go_on(data)
        or outbox.waiting(data)[0]
    )  # fmt: skip


def state(chain: HubChain) -> str:
    data = chain.office.data
    return str(
        {
            "outbox": outbox.waiting(data)[0], "waiting": requests.waiting(data),
            "jobs": data.execute("SELECT status, count(*) FROM job GROUP BY 1").fetchall(),
            "log": (chain.home / "drill.log").read_text("utf-8", "replace")[-2000:],
        }
    )  # fmt: skip


def mirrors(chain: HubChain) -> list[str]:
    """Every table of every shop, row for row, asked by other SQL than the hub's own."""
    found = []
    for (code, shop), profile in zip(shops(chain), chain.profiles, strict=True):
        app = App.open(profile)
        wanted, there = expected(SimpleNamespace(office=chain.office), shop), held(app)
        found += [
            f"{code} {table}: {len(there[table])} rows, {len(wanted[table])} at head office"
            for table in wanted
            if there[table] != wanted[table]
        ]
        app.close()
    return found


def answers(chain: HubChain) -> list[str]:
    """Every acknowledged request has its decision and each of its rows its answer, as there."""
    found = []
    for profile in chain.profiles:
        app = App.open(profile)
        for name in chain.counts.asked.get(profile, ()):
            plan = plans.get(app.data, name)
            rows = plans.row_counts(app.data, plan.id)
            if plan.status not in (plans.APPLIED, plans.REFUSED, plans.CANCELLED):
                found.append(f"{profile} {name} is {plan.status}")
            elif not set(rows) <= SETTLED:
                found.append(f"{profile} {name} has rows {rows}")
        asked = app.data.execute("SELECT request_id, plan_id FROM hub_asked").fetchall()
        for request_id, plan_id in asked:
            there = requests.find(chain.office.data, request_id)
            if there.plan is None or there.status == "refused":
                continue
            ours = app.data.execute(
                "SELECT status, count(*) FROM plan_row WHERE plan_id = ? AND row IN"
                " (SELECT e.row FROM elsewhere_row AS e JOIN hub_decision AS d"
                "  ON d.id = e.request WHERE d.request_id = ?) GROUP BY 1",
                (plan_id, request_id),
            ).fetchall()
            theirs = chain.office.data.execute(
                "SELECT status, count(*) FROM plan_row WHERE plan_id = ? GROUP BY 1", (there.plan,)
            ).fetchall()
            if sorted(ours) != sorted(theirs):
                found.append(f"{profile} {request_id}: {ours} here, {theirs} at head office")
        app.close()
    return found


def twice(chain: HubChain) -> list[str]:
    """A request is one plan; WeCom got no call that no job accounts for."""
    data = chain.office.data
    found = [
        f"{row[0]} has {row[1]} plans"
        for row in data.execute(
            "SELECT r.request_id, count(*) FROM hub_request AS r JOIN plan AS p"
            " ON p.params LIKE '%requests show ' || r.request_id || '\"%'"
            " GROUP BY r.id HAVING count(*) > 1"
        )
    ]
    sent = sent_by_jobs(chain)
    for row, count in chain.wecom.heard.items():
        if count > sent[row]:
            found.append(f"{row}: taken {count} times, {sent[row]} attempts of its jobs")
    return found


def sent_by_jobs(chain: HubChain) -> Counter[tuple[str, ...]]:
    """What head office's jobs say that they sent: row by row, as WeCom hears it, how often."""
    found: Counter[tuple[str, ...]] = Counter()
    for kind, userid, customer, extra, attempts in chain.office.data.execute(
        "SELECT p.kind, r.userid, r.external_userid, r.extra, j.attempts FROM job AS j"
        " JOIN plan AS p ON p.id = j.plan_id JOIN job_row AS c ON c.job_id = j.id"
        " JOIN plan_row AS r ON r.plan_id = j.plan_id AND r.row = c.row WHERE j.attempts > 0"
    ):
        told = json.loads(extra)
        if kind == "tag":
            words = ["+" + each for each in sorted(told["add"])]
            words += ["-" + each for each in sorted(told["remove"])]
            found["tag", userid, customer, *words] += attempts
        elif customer:
            found["move", userid, told["to"], customer] += attempts
        else:
            found["group", told["to"], told["chat_id"]] += attempts
    return found


def strangers(chain: HubChain, seen: dict[str, set[str]]) -> list[str]:
    """No customer who never was the shop's stands in any of its files."""
    everybody = {
        row[0] for row in chain.office.data.execute("SELECT external_userid FROM customer")
    }
    found = []
    for code, profile in zip(chain.codes, chain.profiles, strict=True):
        content = b"".join(
            path.read_bytes()
            for path in (chain.home / "data" / profile).rglob("*")
            if path.is_file()
        )
        assert content
        wrong = [each for each in everybody - seen[code] if each.encode() in content]
        found += [f"{code} has {each}" for each in wrong]
    return found


def report(chain: HubChain) -> None:
    counts, data = chain.counts, chain.office.data
    decided = dict(data.execute("SELECT status, count(*) FROM hub_request GROUP BY 1").fetchall())
    rows = dict(
        data.execute(
            "SELECT status, count(*) FROM plan_row WHERE plan_id IN"
            " (SELECT plan_id FROM hub_request) GROUP BY 1"
        ).fetchall()
    )
    kinds = Counter(each[0] for each in chain.wecom.heard.elements())
    print(
        f"\n{len(chain.codes)} back offices, {SECONDS:.0f} s: {counts.acts} acts,"
        f" {counts.syncs} syncs, {counts.cuts} cuts, {counts.faults} faults, kills {counts.kills},"
        f" asking killed {counts.asking_killed}; acknowledged"
        f" {sum(map(len, counts.asked.values()))}, requests {decided}, rows {rows},"
        f" rows in calls {dict(kinds)}"
    )
