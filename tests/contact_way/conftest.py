"""A chain with contact ways, and a profile synced with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from storeops.changes import apply, plans
from storeops.changes.plans import Plan
from storeops.sync.run import run_sync
from tests.identity.conftest import SHAPE, Chain, sync_once
from tests.synced import synced


class Codes(Chain):
    """The chain, its ways, and short words for what tests do with both."""

    def ways(self) -> dict[str, dict[str, Any]]:
        """config_id → the way as it truly is."""
        return {each["config_id"]: each for each in self.control.export("contact_ways")}

    def mirror_of_ways(self) -> dict[str, tuple[Any, ...]]:
        """config_id → what the mirror says of those that are there."""
        from storeops.domains.contact_way.ways import listed

        return {
            each.config_id: (each.remark, each.state, each.type, each.skip_verify, each.user,
                             each.party, each.qr_code)
            for each in listed(self.app.data, 0.0, count=False)
        }  # fmt: skip

    def truth(self) -> dict[str, tuple[Any, ...]]:
        """The same of the sandbox."""
        return {
            key: (w["remark"], w["state"], w["type"], w["skip_verify"], tuple(w["user"]),
                  tuple(w["party"]), w["qr_code"])
            for key, w in self.ways().items()
        }  # fmt: skip

    def read(self, **how: Any) -> Any:
        """Sync the contact ways; how their scope ended."""
        result = run_sync(self.app, scopes=["contact_ways"], **how)
        (scope,) = result.scopes
        return scope

    def carry(self, plan: Plan | str) -> dict[str, int]:
        """Apply a plan and work until it is done; rows by status."""
        name = plan if isinstance(plan, str) else plan.name
        apply.apply(self.app.ledger, name)
        self.app.worker().run()
        return plans.row_counts(self.app.data, plans.get(self.app.data, name).id)

    def calls(self, path: str) -> int:
        """Calls of externalcontact/PATH so far."""
        found = self.control.calls()["paths"].get(f"externalcontact/{path}", {})
        return int(found.get("calls", 0))


@pytest.fixture
def codes(home: Path) -> Iterator[Codes]:
    made = synced(home, SHAPE, Codes, sync_once)
    yield made
    made.close()
