"""From a leaver to settled rows, through keys alone, with the sandbox's clock moved."""

from __future__ import annotations

import shlex

import pytest

from storeops.domains.handover.leavers import leavers
from storeops.sync.run import run_sync

DAY = 86_400


@pytest.fixture
def leaver(core, fresh_chain):
    """A guide with customers leaves; the mirror knows. Returns the leaver's userid."""
    control = fresh_chain.sandbox.control
    userid = core.data.execute(
        "SELECT s.userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
        " WHERE s.status = 'active' AND f.status = 'active' AND s.main_department IN"
        "  (SELECT main_department FROM staff WHERE status = 'active' AND is_follow_user = 1"
        "   GROUP BY 1 HAVING count(*) > 1) GROUP BY s.id ORDER BY count(*) DESC LIMIT 1"
    ).fetchone()[0]
    control.act("staff_leave", userid=userid)
    run_sync(core)
    assert any(each.userid == userid for each in leavers(core.data, core.clock.now()))
    return userid


async def back_to_from_owner(driver, userid: str) -> None:
    """Put the cursor on a giver."""
    while driver.base.from_owners != (userid,):
        before = driver.base.from_owners
        await driver.press("down")
        assert driver.base.from_owners != before


async def test_a_leaver_from_desk_to_answer(screens, core, fresh_chain, leaver):
    """Plan by rule, review, typed count, clock, ask: every row ends."""
    async with screens(start="handover", size=(160, 48)) as driver:
        await back_to_from_owner(driver, leaver)
        owner = driver.base.listing("from_owners").line.data
        assert owner.left
        assert owner.customers > 0
        await driver.press("o", "enter")
        made = driver.base.planning.made[(leaver,)]
        assert made.plan.ready > 0
        assert f"{made.plan.ready} ready" in driver.text
        await driver.press("x")
        said = " ".join(line.strip(" │") for line in driver.text.splitlines() if "│" in line)
        assert f"handover plan --from {leaver} --rule same-store" in said
        await driver.press("escape", "p", "ctrl+s")
        await driver.type(str(made.plan.ready))
        await driver.press("enter")
        assert "waiting" in driver.text
        assert driver.base.card.rows == {"waiting": made.plan.ready} or driver.base.card.rows.get(
            "waiting"
        ), driver.text
        core.clock.later += 2 * DAY
        fresh_chain.sandbox.control.advance(2 * DAY)
        driver.app.go("handover")
        await driver.settle()
        await driver.hush()
        assert "due now" in driver.text
        await driver.press("s")
        assert "Settled" in driver.text
        driver.app.go("plans", made.plan.name)
        await driver.settle()
        assert "waiting" not in driver.base.card.rows
        assert driver.base.card.rows.get("done")


async def test_marked_customers_on_the_job(screens, core, fresh_chain):
    """o on marks shows their owners; only the marked customers are planned, to a named taker."""
    from_owner = core.data.execute(
        "SELECT s.userid FROM follow AS f JOIN staff AS s ON s.id = f.staff_id WHERE"
        " s.status = 'active' AND f.status = 'active' GROUP BY s.id ORDER BY count(*) DESC"
    ).fetchone()[0]
    async with screens(start="customers", target=f"@{from_owner}", size=(160, 48)) as driver:
        await driver.press("space", "space", "o")
        assert driver.base.NAME == "handover"
        assert "owners of the marked customers" in driver.text
        await back_to_from_owner(driver, from_owner)
        assert driver.base.listing("from_owners").line.data.customers == 2
        offers = [line.data for line in driver.base.listing("to_owners").source.lines]
        free = next(each for each in offers if not each.why_not)
        await driver.press("a")
        await driver.type(free.userid)
        await driver.press("enter", "o", "enter")
        made = driver.base.planning.made[(from_owner,)]
        assert made.plan.rows == 2
        assert [each.userid for each in made.shares] in ([free.userid], [])


async def test_blocked_takers_say_why(screens, core, fresh_chain, leaver):
    """A colleague without customer contact stands there with the reason and the way out."""
    shop = core.data.execute(
        "SELECT main_department FROM staff WHERE userid = ?", (leaver,)
    ).fetchone()[0]
    core.data.execute(
        "UPDATE staff SET is_follow_user = 0 WHERE main_department = ? AND userid <> ?",
        (shop, leaver),
    )
    async with screens(start="handover", size=(160, 48)) as driver:
        await back_to_from_owner(driver, leaver)
        assert all(
            line.cells[-1].startswith("✗") for line in driver.base.listing("to_owners").source.lines
        )
        driver.base.listing("to_owners").focus()
        await driver.press("enter")
        assert "has no customer contact" in driver.text
        assert "Customer Contact in the admin console" in driver.text
        await driver.press("escape", "o", "enter")
        made = driver.base.planning.made[(leaver,)]
        assert made.plan.ready == 0
        assert f"{made.plan.rows} × " in driver.text
        assert "no_taker" not in driver.text
        await driver.press("p")
        assert driver.base.why_not("apply")


async def test_nothing_is_written_by_looking(screens, core, leaver):
    """Marks of givers and takers, windows and Esc leave the ledger alone."""
    before = core.data.execute("SELECT count(*) FROM journal").fetchone()[0]
    async with screens(start="handover") as driver:
        await driver.press("space", "tab", "tab", "space", "o", "escape", "a", "escape", "m",
                           "escape", "escape", "escape", "escape")  # fmt: skip
    assert core.data.execute("SELECT count(*) FROM plan").fetchone()[0] == 0
    assert core.data.execute("SELECT count(*) FROM journal").fetchone()[0] == before


async def test_nasty_names_at_the_desk(screens, core, leaver):
    """A member's name is text."""
    core.data.execute("UPDATE staff SET name = ?", ("[b]\u202e\x1b[31m=x",))
    async with screens(start="handover") as driver:
        assert "\x1b" not in driver.text
        assert "\u202e" not in driver.text
        await driver.press("o")
        assert "[b]" in driver.text


async def test_the_rules_that_ask_who_gets_what(screens, core, leaver):
    """Weighted, by tag and by date: the line is checked, kept, and becomes the command's flags."""
    from tui.screens.handover.terms import HandoverModal

    async with screens(start="handover", size=(160, 48)) as driver:
        await back_to_from_owner(driver, leaver)
        to_owners = [
            row[0]
            for row in core.data.execute(
                "SELECT userid FROM staff WHERE status = 'active' AND is_follow_user = 1"
                " ORDER BY userid LIMIT 2"
            )
        ]
        for userid in to_owners:
            await driver.press("a")
            await driver.type(userid)
            await driver.press("enter")
        first, last = sorted(driver.base.to_owners)

        async def choose(rule: str) -> None:
            await driver.press("o")
            window = driver.app.screen
            assert isinstance(window, HandoverModal)
            rules = [name for name, _words in window._rules]
            await driver.press(*["down"] * rules.index(rule))
            await driver.press("enter")

        await choose("weighted")  # even shares stand there already
        made = driver.base.planning.made[(leaver,)]
        shares = {each.userid: each.customers + each.groups for each in made.shares}
        assert set(shares) <= {first, last}
        assert f"--weight {first}=1 --weight {last}=1" in made.plan.params["command"]
        await choose("by-tag")  # nothing is typed yet: the line is asked for
        assert isinstance(driver.app.screen, HandoverModal)
        await driver.type("普通")
        await driver.press("enter")
        assert "Write gold=" in driver.text, driver.text
        await driver.type(f"={first} *={last}")
        await driver.press("enter")
        made = driver.base.planning.made[(leaver,)]
        words = ["--rule", "by-tag", "--map", f"普通={first}", "--map", f"*={last}"]
        assert shlex.split(made.plan.params["command"])[-6:] == words
        tagged = core.data.execute(
            "SELECT count(*) FROM follow AS f JOIN staff AS s ON s.id = f.staff_id"
            " JOIN follow_tag AS ft ON ft.follow_id = f.id JOIN tag AS t ON t.id = ft.tag_id"
            " WHERE s.userid = ? AND t.name = '普通' AND f.status = 'unassigned'",
            (leaver,),
        ).fetchone()[0]
        assert {each.userid: each.customers for each in made.shares}.get(first, 0) <= tagged
        await choose("by-date")
        await driver.type(f"2001-01-01={first}")
        await driver.press("enter")
        made = driver.base.planning.made[(leaver,)]
        assert {each.userid for each in made.shares if each.customers} <= {first}
        await choose("by-tag")  # what was typed for a rule is still there
        assert driver.app.screen is driver.base
        assert "--map '*=" in driver.base.planning.made[(leaver,)].plan.params["command"]


async def test_takers_are_marked_one_after_the_other(screens, core, leaver):
    """Space goes down one, as in the list of customers."""
    async with screens(start="handover", size=(160, 48)) as driver:
        await back_to_from_owner(driver, leaver)
        to_owners = driver.base.listing("to_owners")
        here = {str(line.key) for line in to_owners.source.lines}
        for (userid,) in core.data.execute(
            "SELECT userid FROM staff WHERE status = 'active' AND is_follow_user = 1"
        ).fetchall():
            if userid not in here:
                break
        await driver.press("a")
        await driver.type(userid)
        await driver.press("enter")
        assert len(to_owners.source.lines) >= 2
        to_owners.focus()
        before = set(driver.base.to_owners)
        await driver.press("home", "space")
        second = to_owners.source.lines[1].key
        assert to_owners.line.key == second
        assert driver.base.to_owners ^ before == {to_owners.source.lines[0].key}
