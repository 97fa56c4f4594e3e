"""A sandbox where people act as told, a profile synced with it, and short words for handovers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from storeops import config, secrets
from storeops.app import App
from storeops.changes import apply, plans, row_results
from storeops.domains.handover.plan_result import PlanResult
from storeops.domains.handover.planner import plan_handover
from storeops.domains.handover.request import HandoverRequest
from storeops.domains.handover.watch import watch
from storeops.domains.handover.watch_result import WatchResult
from storeops.domains.sandbox import sandbox_records
from storeops.reading.customers import Selection
from storeops.sandbox import local
from storeops.sync.run import run_sync
from tests.synced import synced

DAY = 86_400
SAID = {"done": "done", "refused": "refused", "taker_full": "taker_full"}


class HandoverCorp:
    """One sandbox and one App over it."""

    def __init__(self, sandbox: local.SandboxHandle, profile: str = "t") -> None:
        self.sandbox = sandbox
        self.control = sandbox.control
        config.save_profile(
            config.Profile(
                name=profile,
                corp_id=sandbox.corp_id,
                agent_id=sandbox.agent_id,
                base_url=sandbox.base_url,
                sandbox=True,
            ),
            make_default=True,
        )
        secrets.save(profile, sandbox.secret)
        sandbox_records.remember(sandbox_records.Running(**sandbox.ready))
        self.profile = profile
        self.app = App.open(profile)

    # -- what the chain looks like

    def staff(self) -> list[dict[str, Any]]:
        """Present members with customer contact, those with most customers first."""
        people = [
            m
            for m in self.control.export("staff")
            if not m["left_at"] and m["customer_contact"] and m["status"] == 1 and m["visible"]
        ]
        return sorted(people, key=lambda m: (-m["customers"], m["userid"]))

    def transfer_failed(self, to_owner: str, external_userid: str) -> int:
        """WeCom's event transfer_fail comes; how many waiting attempts are due now."""
        from storeops.domains.handover import transfer_fail
        from storeops.events.inbox import Event

        db, now = self.app.data, self.app.clock.now()
        came = Event(
            1, now, int(now), "change_external_contact", "transfer_fail", "", to_owner,
            external_userid, "received", "", None, 0, None, None, 1,
        )  # fmt: skip
        transfer_fail.write(db, external_userid, None, [came], now)
        (due,) = db.execute(
            "SELECT count(*) FROM handover WHERE status = 'waiting' AND subject = ?"
            " AND ask_at <= ?",
            (external_userid, now),
        ).fetchone()
        return int(due)

    def leavers(self) -> list[dict[str, Any]]:
        """Leavers with customers who can still be assigned, those with most first."""
        now = self.control.now()
        people = [
            m
            for m in self.control.export("staff")
            if m["left_at"] and m["customers"] and now - m["left_at"] < 360 * DAY
        ]
        return sorted(people, key=lambda m: (-m["customers"], m["userid"]))

    def follows(self) -> dict[tuple[str, str], dict[str, Any]]:
        """The sandbox's own follows by (userid, external_userid)."""
        return {(r["userid"], r["external_userid"]): r for r in self.control.export("follows")}

    def customers(self, userid: str, without: str = "") -> list[str]:
        """A member's customers whom `without` does not have and who have not deleted anybody."""
        rows = self.follows()
        return [
            external
            for (owner, external), row in rows.items()
            if owner == userid
            and not row["deleted_by_customer_at"]
            and (without, external) not in rows
        ]

    def decide(self, external: str | list[str], act: str, after_s: int = 0) -> None:
        self.control.call(
            "POST",
            "handover/will",
            {"external_userid": external, "act": act, "after_s": after_s},
        )

    def member(self, userid: str, **conditions: Any) -> None:
        self.control.call("POST", "handover/member", {"userid": userid, **conditions})

    def summary(self) -> dict[str, Any]:
        value: dict[str, Any] = self.control.call("GET", "handover")
        return value

    def attempts(self) -> list[dict[str, Any]]:
        return list(self.control.export("handovers"))

    def calls(self, path: str) -> int:
        """How often an API was called since the last reset."""
        paths = self.control.calls()["paths"]
        row = paths.get(f"externalcontact/{path}")
        return int(row["calls"]) if row else 0

    # -- what the client does

    def sync(self, **how: Any) -> Any:
        result = run_sync(self.app, **how)
        assert result.outcome == "complete", result
        return result

    def plan(self, *from_owners: str, to: str | list[str] = (), **request: Any) -> PlanResult:
        to_owners = [to] if isinstance(to, str) else list(to)
        where = Selection(where=request.pop("where", ""))
        asked = HandoverRequest(
            from_owners=from_owners, to_owners=to_owners, selection=where, **request
        )
        return plan_handover(self.app.ledger, asked)

    def apply(self, made: PlanResult | str, **how: Any) -> Any:
        name = made if isinstance(made, str) else made.plan.name
        apply.apply(self.app.ledger, name, **how)
        return self.app.worker().run()

    def hand_over(self, *from_owners: str, to: str | list[str] = (), **request: Any) -> PlanResult:
        made = self.plan(*from_owners, to=to, **request)
        self.apply(made)
        return made

    def watch(self, **how: Any) -> WatchResult:
        return watch(self.app.ledger, self.app.client, **how)

    def advance(self, seconds: float) -> None:
        """Move WeCom's clock, and let the client learn it."""
        from storeops.wecom import server

        self.control.advance(seconds)
        server.api_domain_ips(self.app.client)

    def results(self, made: PlanResult) -> list[dict[str, Any]]:
        return [each.as_dict() for each in row_results.results(self.app.data, made.plan.id)]

    def row_counts(self, made: PlanResult) -> dict[str, int]:
        return plans.row_counts(self.app.data, made.plan.id)

    def statuses(self, made: PlanResult) -> dict[str, str]:
        return {r["external_userid"]: r["status"] for r in self.results(made)}

    def blocked(self, made: PlanResult) -> Counter[str]:
        return Counter(
            row[0]
            for row in self.app.data.execute(
                "SELECT code FROM plan_row WHERE plan_id = ? AND code <> ''", (made.plan.id,)
            )
        )

    def compare(self) -> None:
        """Every attempt ends in our ledger as it truly ended in the sandbox."""
        ours = {
            (row[0], row[1].lower(), row[2].lower(), number): row[3]
            for number, row in self._numbered(
                self.app.data.execute(
                    "SELECT subject, handover_userid, takeover_userid, status FROM handover"
                    " WHERE what = 'customer' ORDER BY asked_at, plan_id, row"
                ).fetchall()
            )
        }
        theirs = {
            (
                row["external_userid"],
                row["handover_userid"].lower(),
                row["takeover_userid"].lower(),
                number,
            ): row["outcome"]
            for number, row in self._numbered_attempts()
            if row["by"] == "api" or self._is_ours(ours, row, number)
        }
        assert set(ours) == set(theirs)
        wrong = {
            key: (ours[key], theirs[key])
            for key in ours
            if ours[key] != theirs[key]
            and not (theirs[key] == "broken" and ours[key] in ("no_record", "vanished", "refused"))
        }
        assert not wrong, wrong

    @staticmethod
    def _is_ours(ours: dict[Any, str], row: dict[str, Any], number: int) -> bool:
        """Whether an attempt made in the console is one that a row of ours follows."""
        pair = (row["handover_userid"].lower(), row["takeover_userid"].lower())
        return (row["external_userid"], *pair, number) in ours

    @staticmethod
    def _numbered(rows: list[Any]) -> Iterator[tuple[int, Any]]:
        seen: Counter[Any] = Counter()
        for row in rows:
            key = (row[0], row[1].lower(), row[2].lower())
            seen[key] += 1
            yield seen[key], row

    def _numbered_attempts(self) -> Iterator[tuple[int, dict[str, Any]]]:
        seen: Counter[Any] = Counter()
        for row in self.attempts():
            key = (row["external_userid"], row["handover_userid"], row["takeover_userid"])
            seen[key] += 1
            yield seen[key], row

    def close(self) -> None:
        self.app.close()
        self.sandbox.stop()


def _meet_and_sync(corp: HandoverCorp) -> None:
    corp.control.call("POST", "handover/friends_again")
    corp.sync()


@pytest.fixture
def make_corp(home: Path) -> Iterator[Callable[..., HandoverCorp]]:
    """Starts a sandbox of a given shape and settings, opens a profile, syncs."""
    opened: list[HandoverCorp] = []

    def make(**shape: Any) -> HandoverCorp:
        shape = {"stores": 3, "staff": 14, "follows": 320, "seed": 11, **shape}
        opened.append(synced(home, shape, HandoverCorp, _meet_and_sync))
        return opened[-1]

    yield make
    for corp in opened:
        corp.close()


@pytest.fixture
def corp(make_corp: Callable[..., HandoverCorp]) -> HandoverCorp:
    """A small chain where nobody acts before the time is over, unless told to."""
    return make_corp(
        handover_at_once_rate=0,
        handover_early_rate=0,
        handover_refuse_rate=0,
        handover_delete_rate=0,
    )
