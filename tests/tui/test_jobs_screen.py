"""Tallies, pauses, retries and cancelling, through keys alone, against a sandbox."""

from __future__ import annotations

import pytest

from storeops.changes import apply, plans
from storeops.changes.drafts import freeze
from storeops.changes.marked import MarkedCustomers, follows_of
from storeops.domains.tags.tag_drafts import draft_tags


@pytest.fixture
def applied(core, fresh_chain):
    """Six follows that wait to be tagged: nothing is sent yet."""
    tag = core.data.execute(
        "SELECT tag_id FROM tag WHERE name = '童装' AND deleted_at IS NULL"
    ).fetchone()[0]
    keys = tuple(
        row[0]
        for row in core.data.execute(
            "SELECT f.customer_id FROM follow AS f WHERE status = 'active' AND NOT EXISTS"
            " (SELECT 1 FROM follow_tag AS ft JOIN tag AS t ON t.id = ft.tag_id"
            "  WHERE ft.follow_id = f.id AND t.tag_id = ?) GROUP BY 1 LIMIT 6",
            (tag,),
        )
    )
    draft, _rows = draft_tags(
        core.ledger,
        follows_of(core.data, MarkedCustomers(keys, 0, ()), "newest"),
        add=[tag],
        remove=[],
    )
    plan = freeze(core.ledger, draft.name)
    apply.apply(core.ledger, plan.name)
    return plans.by_id(core.ledger.db, plan.id)


async def test_pause_holds_resume_sends(screens, core, applied):
    """z holds the plan; w asks, then the rest is sent; the tally follows."""
    async with screens(start="jobs", size=(100, 30)) as driver:
        assert f"{applied.ready} calls are left" in driver.text
        await driver.press("z")
        assert "paused" in driver.text
        assert driver.base.why_not("pause")
        await driver.press("w", "escape")
        assert "paused" in driver.text
        await driver.press("w", "enter")
        assert f"✓ done {applied.ready}" in driver.text, driver.text
        assert f"✓ succeeded {applied.calls}" in driver.text
        assert driver.base.why_not("run")


async def test_work_asks_first(screens, core, applied):
    """s sends nothing until it was said yes to."""
    async with screens(start="jobs") as driver:
        await driver.press("s", "escape")
        assert f"… queued {applied.ready}" in driver.text
        await driver.press("s", "enter")
        assert f"✓ done {applied.ready}" in driver.text


async def test_failed_rows_are_named_and_retried(screens, core, applied, fresh_chain):
    """An errcode is shown with its meaning and its number; t sends the rows again."""
    control = fresh_chain.sandbox.control
    control.fault("errcode", "externalcontact/mark_tag", errcode=40068)
    async with screens(start="jobs", size=(120, 40)) as driver:
        await driver.press("s", "enter")
        assert f"{applied.ready} × 40068" in driver.text, driver.text
        control.clear_faults()
        assert driver.base.job.status == "failed"
        await driver.press("t", "down", "enter", "enter")
        assert "failed for good" in driver.text  # the same call would fail again


async def test_cancel_one_job_or_the_plan(screens, core, applied):
    """c offers the job or the plan; Esc leaves both."""
    async with screens(start="jobs") as driver:
        await driver.press("c", "escape")
        assert f"… queued {applied.ready}" in driver.text
        await driver.press("c", "enter")
        assert "– cancelled 1" in driver.text
        await driver.press("home", "c", "down", "enter")
        assert f"– cancelled {applied.ready}" in driver.text


async def test_details_filter_and_plan(screens, core, applied):
    """Enter shows a job, / narrows, o keeps one plan, p goes to it."""
    async with screens(start="jobs") as driver:
        await driver.press("enter")
        assert applied.name in driver.text
        assert "Nothing out of the plain way" in driver.text
        await driver.press("escape", "slash", "slash")
        assert driver.base.listing("jobs").total == 0
        await driver.press("escape", "o")
        assert driver.base.crumbs() == [applied.name]
        await driver.press("x")
        assert f"--plan {applied.name}" in driver.text
        await driver.press("escape", "p")
        assert driver.base.NAME == "plans"
        assert driver.base.card.plan.name == applied.name
