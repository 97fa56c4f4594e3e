"""The weeks before the demo: a past that mirror and sandbox agree on, and a desk with names."""

from __future__ import annotations

from storeops.app import App
from storeops.domains.handover import options
from storeops.domains.sandbox import demo, demo_history
from storeops.sandbox.local import start
from storeops.sync.run import run_sync
from tests.tui.conftest import NOON, make_profile

WEEKS = 2


def test_weeks_pass(tmp_path, monkeypatch):
    """Counts agree; who left has a name and colleagues; some were lost, handed over, added."""
    monkeypatch.setenv("STOREOPS_HOME", str(tmp_path))
    begin = demo_history.started_at(NOON, WEEKS)
    with start(stores=3, staff=26, follows=500, seed=7, start_at=begin) as sandbox:
        make_profile(sandbox)
        core = App.open("demo")
        demo_history.reassign_first_leavers(sandbox.base_url)
        told = []

        def sync() -> None:
            assert run_sync(core).outcome == "complete"

        sync()
        ports = demo_history.DemoPorts(
            sandbox.base_url, core.data, sync, core.clock.learn, lambda *each: told.append(each)
        )
        demo_history.play(ports, WEEKS)
        sync()
        assert told[-1] == (7 * WEEKS, 7 * WEEKS)
        assert abs(core.clock.now() - NOON) < 120
        wrong = [each for each in demo.counts(core.data, sandbox.base_url) if not each.equal]
        assert not wrong
        statuses = dict(core.data.execute("SELECT status, count(*) FROM follow GROUP BY 1"))
        assert statuses["lost"] > 3
        assert statuses["handed_over"] > 2
        assert statuses["unassigned"] > 20
        owners = [each for each in options.owners(core.data, core.clock.now()) if each.days_left]
        assert len(owners) >= 2
        assert all(each.name and each.store for each in owners)
        assert options.possible_owners(core.data, [owners[0].userid], core.clock.now())
        core.close()
