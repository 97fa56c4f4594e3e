"""The weeks before the demo: a past that mirror and sandbox agree on, and a desk with names."""

from __future__ import annotations

from storeops import times
from storeops.app import App
from storeops.domains.care import tasks
from storeops.domains.commission import months
from storeops.domains.commission.calendar_months import last_month
from storeops.domains.handover import options
from storeops.domains.orders import matching
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
        core = App.open("demo", as_name=demo.INVENTOR)
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
        bought_what_fits(core)
        core.close()


def bought_what_fits(core) -> None:
    """Domains invent what they know: orders of the customers, work for today, a month to share."""
    steps = {each.command for each in demo.furnish(core)}
    assert {"order list", "care list", "commission preview"} <= steps
    db, now = core.data, core.clock.now()
    counts = dict(db.execute("SELECT status, count(*) FROM orders_order GROUP BY 1"))
    assert counts["paid"] > 100
    assert counts["return"] > 0
    found = matching.report(db)
    assert found.matched > found.unmatched > 0
    assert {"no_key", "unknown"} <= set(found.why_not)
    early = db.execute(
        "SELECT count(*) FROM orders_order o JOIN follow f ON f.customer_id = o.customer_id"
        " WHERE o.status = 'paid' GROUP BY o.id HAVING o.paid_at < min(f.createtime)"
    ).fetchall()
    assert not early, "nobody bought before being a customer"
    gone = "SELECT 1 FROM orders_order o JOIN staff s ON s.userid = o.seller WHERE o.paid_at > "
    assert not db.execute(f"{gone} s.left_at").fetchall(), "nobody sold after leaving"
    (gap,) = db.execute(
        "SELECT avg(gap_s) / 86400.0 FROM orders_article WHERE code LIKE 'M-%'"
    ).fetchone()
    assert 5 < gap < 7, "milk every six days"
    kinds = {each["kind"] for each in tasks.list_tasks(db, now, all_days=True)}
    assert "after-purchase" in kinds
    left = {userid for (userid,) in db.execute("SELECT userid FROM staff WHERE left_at > 0")}
    roles: dict[str, set[str]] = {}
    for month in (last_month(now), times.month(now)):
        for each in months.reckon(db, month).entries:
            roles.setdefault(each.share.userid, set()).add(each.share.role)
    assert left & set(roles), "who left in mid-month has a share"
    assert not demo.made_by_hand().get("journal"), "what the demo adopted is nobody's work"
