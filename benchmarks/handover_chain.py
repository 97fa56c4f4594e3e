"""A sandbox with a mirror over it, and figures beside what they must be."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from storeops import config, secrets
from storeops.app import App
from storeops.domains.handover.watch import watch
from storeops.domains.handover.watch_result import WatchResult
from storeops.sandbox import local
from storeops.sync.run import run_sync
from storeops.wecom import server

DAY = 86_400
failed: list[str] = []  # the names of figures that missed


def bar(name: str, value: float, limit: float, unit: str) -> None:
    """Print one figure beside its bar."""
    good = value <= limit
    print(f"  {name:<52} {value:>12,.1f} {unit:<8} bar {limit:,g}{'' if good else '   MISSED'}")
    if not good:
        failed.append(name)


def same(name: str, found: Any, wanted: Any) -> None:
    """Print whether something is exactly as it must be."""
    miss = "" if found == wanted else "   MISSED"
    print(f"  {name:<52} {found!s:>12}          must be {wanted}{miss}")
    if found != wanted:
        failed.append(name)


class Chain:
    """A sandbox and an App over it."""

    def __init__(self, **shape: Any) -> None:
        began = time.monotonic()
        self.sandbox = local.start(**shape)
        self.control = self.sandbox.control
        config.save_profile(
            config.Profile("b", self.sandbox.corp_id, self.sandbox.agent_id,
                           self.sandbox.base_url, sandbox=True),
            make_default=True,
        )  # fmt: skip
        secrets.save("b", self.sandbox.secret)
        self.app = App.open("b")
        print(f"  seeded in {time.monotonic() - began:.0f} s")

    def sync(self) -> None:
        began = time.monotonic()
        result = run_sync(self.app)
        print(f"  synced in {time.monotonic() - began:.0f} s: {result.outcome}")

    def staff(self) -> list[dict[str, Any]]:
        return [
            m for m in self.control.export("staff")
            if not m["left_at"] and m["customer_contact"] and m["status"] == 1 and m["visible"]
        ]  # fmt: skip

    def advance(self, seconds: float) -> None:
        self.control.advance(seconds)
        server.api_domain_ips(self.app.client)

    def follow(self, userid: str, count: int) -> list[str]:
        """Give a member so many new customers."""
        return [
            self.control.act("customer_new", userid=userid)["external_userid"] for _ in range(count)
        ]

    def calls(self, path: str) -> int:
        row = self.control.calls()["paths"].get(f"externalcontact/{path}")
        return int(row["calls"]) if row else 0

    def close(self) -> None:
        self.app.close()
        self.sandbox.stop()


def counts_of(chain: Chain, plan_id: int, what: str) -> int:
    """Attempts of a plan about customers, or about groups."""
    count: int = chain.app.data.execute(
        "SELECT count(*) FROM handover WHERE plan_id = ? AND what = ?", (plan_id, what)
    ).fetchone()[0]
    return count


def compare(chain: Chain) -> int:
    """Rows whose answer is not what the sandbox's own record of API calls says."""
    truth = {
        (r["kind"], r["external_userid"], r["handover_userid"], r["takeover_userid"]): r["outcome"]
        for r in chain.control.export("handovers")
        if r["by"] == "api"
    }
    wrong = 0
    for kind, subject, from_owner, to_owner, status in chain.app.data.execute(
        "SELECT kind, subject, handover_userid, takeover_userid, status FROM handover"
        " WHERE what = 'customer'"
    ):
        outcome = truth.pop((kind, subject, from_owner, to_owner), "")
        fine = status == outcome or (outcome == "broken" and status in ("vanished", "no_record"))
        wrong += not fine
    return wrong + len(truth)


def who_takes(who: list[str], from_owner: str, to_owner: str) -> str:
    """A file that gives these customers of one member to another."""
    file = Path(os.environ["STOREOPS_HOME"]) / "some.csv"
    lines = [f"{each},{from_owner},{to_owner}\n" for each in who]
    file.write_text("external_userid,userid,takeover_userid\n" + "".join(lines))
    return str(file)


def settled(chain: Chain) -> WatchResult:
    """Let 24 hours pass and ask until nothing waits."""
    chain.advance(DAY)
    watched = watch(chain.app.ledger, chain.app.client)
    while watched.waiting:
        chain.advance(300)
        watched = watch(chain.app.ledger, chain.app.client)
    return watched


def compare_groups(chain: Chain, plan_id: int) -> int:
    """Rows about group chats whose answer is not what the group shows."""
    owners = {g["chat_id"]: g["owner"] for g in chain.control.export("groups")}
    return sum(
        (status == "done") != (owners[chat] == to_owner)
        for chat, to_owner, status in chain.app.data.execute(
            "SELECT subject, takeover_userid, status FROM handover"
            " WHERE what = 'group' AND plan_id = ?",
            (plan_id,),
        )
    )
