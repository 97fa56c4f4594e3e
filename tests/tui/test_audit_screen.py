"""The journal on a screen: filtered, opened, proved, exported."""

from __future__ import annotations

import json


async def test_filter_by_plan_kind_and_person(screens, core, journal):
    """Words mean a plan, a kind or a person; the command line says the same."""
    async with screens(start="audit", size=(120, 30)) as driver:
        assert driver.base.listing("list").total == 8
        await driver.press("slash")
        await driver.type("plan.applied")
        await driver.press("enter")
        assert driver.base.listing("list").total == 4
        await driver.press("x")
        assert "--kind plan.applied" in driver.text
        await driver.press("escape", "escape", "slash")
        await driver.type(journal[1])
        await driver.press("enter")
        assert driver.base.listing("list").total == 2
        await driver.press("p")
        assert driver.base.card.plan.name == journal[1]


async def test_details_mask_phones(screens, journal):
    """A line shows what happened, not the phone number in it."""
    async with screens(start="audit") as driver:
        await driver.press("slash")
        await driver.type(f"{journal[1]} plan.applied")
        await driver.press("enter", "enter")
        assert "13800138000" not in driver.text
        assert "plan.applied" in driver.text
        assert "Digest" in driver.text


async def test_a_whole_journal_is_proved(screens, journal):
    """V reads it all."""
    async with screens(start="audit") as driver:
        await driver.press("V")
        assert "The journal is whole" in driver.text


async def test_damage_is_named(screens, core, journal):
    """One altered line, one missing: both are named."""
    core.data.execute("UPDATE journal SET who = 'mallory' WHERE seq = 3")
    core.data.execute("DELETE FROM journal WHERE seq = 5")
    async with screens(start="audit") as driver:
        await driver.press("f8")
        assert "NOT whole" in driver.text
        assert "Line 3 was changed" in driver.text
        assert "Line 5 is missing" in driver.text


async def test_export_proves_itself(screens, core, journal, tmp_path, monkeypatch):
    """e writes the lines in the order of the chain, with their digests."""
    monkeypatch.chdir(tmp_path)
    async with screens(start="audit") as driver:
        await driver.press("e", "enter")
        assert "8 lines written" in driver.text
    lines = [json.loads(line) for line in (tmp_path / "journal.ndjson").read_text().splitlines()]
    assert [line["seq"] for line in lines] == list(range(1, 9))
    assert all(line["hash"] and line["digest"] for line in lines)


async def test_new_lines_come_in_place(screens, core, journal):
    """What another process writes appears; the cursor stays on its line."""
    from storeops.changes.control import cancel_plan

    async with screens(start="audit") as driver:
        await driver.press("down", "down")
        seq = driver.base.entry.seq
        cancel_plan(core.ledger, journal[0])
        driver.base.read_again()
        await driver.settle()
        assert driver.base.listing("list").total == 9
        assert driver.base.entry.seq == seq


async def test_what_others_write_first_is_seen(screens, core, journal):
    """Nobody had looked at the ledger before the first of it."""
    from storeops.changes.control import cancel_plan

    async with screens(start="audit") as driver:
        cancel_plan(core.ledger, journal[0])
        driver.base.others_wrote()
        await driver.settle()
        assert driver.base.listing("list").total == 9


async def test_who_comes_back_sees_what_happened_elsewhere(screens, core, journal):
    """A plan cancelled on another screen of this process; twice, as the first may be luck."""
    from storeops.changes.control import cancel_plan

    async with screens(start="audit") as driver:
        for name, lines in ((journal[0], 9), (journal[2], 10)):
            await driver.press("5")
            assert driver.base.NAME != "audit"
            cancel_plan(core.ledger, name)
            await driver.press("L")
            assert driver.base.NAME == "audit"
            await driver.settle()
            assert driver.base.listing("list").total == lines


async def test_an_empty_journal_says_why(screens):
    """Nothing changed yet, or words that no line holds: each says what to do."""
    async with screens(start="audit") as driver:
        assert "Nothing was changed from here yet" in driver.text
        await driver.press("enter")
        assert driver.base.why_not("open").startswith("Nothing was changed")
        await driver.press("slash")
        await driver.type("nobody")
        assert "No line of the journal fits. Esc takes the words away." in driver.text


async def test_a_screen_that_is_not_composed_yet_is_told_nothing(screens, core, journal):
    """A sync may end, and facts may come, between the key and the first frame."""
    from tui.status_poller import StatusSnapshot

    async with screens(start="audit") as driver:
        for name in ("sync", "customers", "jobs"):
            driver.app.go(name)
            driver.app.sync_ended()
            driver.app.jobs_moved()
            for further in (1, 0):
                revision = driver.app.revision + further
                driver.app._looked(StatusSnapshot(revision, written=True))
            await driver.settle()
            assert name == driver.base.NAME


async def test_a_screen_that_is_taken_down_is_told_nothing(screens, monkeypatch):
    """What a worker found while the application ends finds a screen without its widgets."""
    from tui.status_poller import StatusSnapshot

    async with screens(start="jobs") as driver:
        await driver.base.query("*").remove()
        with monkeypatch.context() as patched:
            patched.setattr(driver.app, "_running", False)
            driver.app._looked(StatusSnapshot(driver.app.revision + 1, written=True))
            driver.app._looked(StatusSnapshot(driver.app.revision, written=True))
            driver.app.sync_moved()
            driver.app.sync_ended()
            driver.app.jobs_moved()
