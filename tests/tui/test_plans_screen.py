"""From marks to applied plans and back, through keys alone, against a sandbox."""

from __future__ import annotations

import csv
import threading

import pytest

from storeops.changes.marked import MarkedCustomers, follows_of
from storeops.domains.remarks.remark_drafts import draft_remarks
from storeops.mirror import facts

FREE = "!#童装 status:active"


def tagged(sandbox, tag_id: str) -> set[tuple[str, str]]:
    """(userid, external_userid) of the follows that carry the tag, as the sandbox knows them."""
    return {
        (row["userid"], row["external_userid"])
        for row in sandbox.control.export("follows")
        if tag_id in row["tag_id"]
    }


def tag_id(core, name: str) -> str:
    return core.data.execute(
        "SELECT tag_id FROM tag WHERE name = ? AND deleted_at IS NULL", (name,)
    ).fetchone()[0]


async def draft(driver, marks: int = 3) -> None:
    """Mark some customers and wish them the tag 童装."""
    await driver.press(*["space"] * marks, "t")
    await driver.type("童装")
    await driver.press("enter", "f6")


async def test_tag_three_review_apply_undo(screens, core, fresh_chain):
    """t, p, Ctrl+S twice, the count, done; u, Ctrl+S, the count: as it was."""
    tag = tag_id(core, "童装")
    before = tagged(fresh_chain.sandbox, tag)
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver)
        assert "draft: tags" in driver.text
        assert tagged(fresh_chain.sandbox, tag) == before
        await driver.press("p")
        assert driver.base.card.state == "draft"
        rows = driver.base.card.plan.rows
        assert rows >= 3
        await driver.press("ctrl+s")
        assert driver.base.card.state == "planned"
        assert f"{rows} ready, 0 blocked" in driver.text
        await driver.press("ctrl+s", "enter")
        assert "That is not the count" in driver.text
        await driver.type("99999")
        assert "That is not the count" not in driver.text, "it is being mended"
        await driver.press("enter")
        assert "That is not the count" in driver.text
        assert tagged(fresh_chain.sandbox, tag) == before
        await driver.press(*["backspace"] * 5)
        await driver.type(str(rows))
        await driver.press("enter")
        assert driver.base.card.state == "done", driver.text
        assert "✓ done" in driver.text
        assert len(tagged(fresh_chain.sandbox, tag) - before) == rows
        done = driver.base.card.plan
        assert driver.app.customers.marks() == 0  # what was marked for this is done with
        assert driver.app.customers.undo_marks() == 3
        await driver.press("u")
        assert driver.base.card.plan.undo_of == done.id
        await driver.press("ctrl+s")
        await driver.type(str(rows))
        await driver.press("enter")
        assert driver.base.card.state == "done"
        assert tagged(fresh_chain.sandbox, tag) == before


async def test_a_new_plan_is_shown_although_the_old_ones_are_read_meanwhile(screens, core, journal):
    """The list is painted again, with what is known as yet, before the new plan was read."""
    gate = threading.Event()
    async with screens(start="plans") as driver:
        base = driver.base
        old = base.card.plan.name
        keys = [row[0] for row in core.data.execute("SELECT id FROM customer LIMIT 9")]
        follows = follows_of(core.data, MarkedCustomers(tuple(keys), 0, ()), "newest")
        made, _rows = draft_remarks(core.ledger, follows, {"description": "new"})
        driver.app.background("reads").submit(
            lambda: gate.wait(5), lambda _: None, driver.app.failed
        )
        base.arrive(made.name)
        base.listing("plans").reload()
        for _ in range(20):
            await driver.pilot.pause()
        assert base.card.plan.name == old
        gate.set()
        await driver.settle()
        assert base.card.plan.name == made.name


async def test_no_marks_means_the_row_under_the_cursor(screens):
    """t without marks is about one customer."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver, marks=0)
        await driver.press("p")
        assert driver.base.card.plan.rows == 1


async def test_remark_with_placeholders(screens, core):
    """r fills the placeholders per follow and refuses unknown ones."""
    async with screens(start="customers", target="status:active") as driver:
        await driver.press("space", "space", "r")
        await driver.type("{nam}")
        await driver.press("enter")
        assert "{nam}" in driver.text
        assert "placeholder" in driver.text
        await driver.press(*["backspace"] * 5)
        await driver.type("{store_code} VIP")
        await driver.press("enter")
        assert "draft: remarks" in driver.text
        await driver.press("p")
        plan = driver.base.card.plan
        assert plan.kind == "remark"
        assert plan.rows >= 2
    after = [row[0] for row in core.data.execute("SELECT after FROM plan_row")]
    assert all("VIP" in text and "{" not in text[1:] for text in after)


async def test_rows_leave_a_draft_and_a_plan(screens, core):
    """d takes rows out before anything is applied; the plan keeps its name and a fitting hash."""
    from storeops.changes import plans

    async with screens(start="customers", target=FREE) as driver:
        await draft(driver, marks=4)
        await driver.press("p")
        rows = driver.base.card.plan.rows
        await driver.press("d")
        assert driver.base.card.plan.rows == rows - 1
        await driver.press("ctrl+s", "space", "space", "d")
        assert driver.base.card.plan.rows == rows - 3
        plans.verify(core.ledger, driver.base.card.plan)


async def test_changed_rows_give_a_choice(screens, core):
    """A row that somebody changed since: leave it out, or make the plan again."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver)
        await driver.press("p", "ctrl+s")
        old = driver.base.card.plan
        first = core.data.execute(
            "SELECT userid, external_userid FROM plan_row WHERE plan_id = ? AND row = 1", (old.id,)
        ).fetchone()
        facts.follow_tags_changed(
            core.data, *first, add=[tag_id(core, "童装")], remove=[], source="job", ref="test",
            now=int(core.clock.now()),
        )  # fmt: skip
        await driver.press("ctrl+s")
        await driver.type(str(old.ready))
        await driver.press("enter")
        assert "Rows have changed" in driver.text
        await driver.press("escape")
        assert driver.base.card.state == "planned"
        await driver.press("ctrl+s")
        await driver.type(str(old.ready))
        await driver.press("enter", "enter")
        new = driver.base.card.plan
        assert new.name != old.name
        assert new.rows == old.rows - 1
        await driver.press("8", "down")
        assert "cancelled" in driver.text


async def test_cancel_asks_first(screens):
    """c asks; Esc leaves the plan as it is."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver)
        await driver.press("p", "ctrl+s", "c", "escape")
        assert driver.base.card.state == "planned"
        await driver.press("c", "enter")
        assert driver.base.card.state == "cancelled"
        assert driver.base.why_not("apply")


async def test_esc_in_every_window_writes_nothing(screens, core):
    """Neither windows nor their Esc leave a trace in the ledger."""
    async with screens(start="customers", target=FREE) as driver:
        await driver.press("t", "escape", "r", "escape", "space", "t")
        await driver.type("童装")
        await driver.press("enter", "escape")
    assert core.data.execute("SELECT count(*) FROM plan").fetchone()[0] == 0
    assert core.data.execute("SELECT count(*) FROM journal").fetchone()[0] == 0


async def test_read_only_says_so(screens, core):
    """A read-only profile refuses before anything is asked."""
    core.readonly = True
    async with screens(start="customers", target=FREE) as driver:
        await driver.press("t")
        assert "read-only" in driver.text
        await driver.press("r", "p")
        assert driver.base.why_not("open")
    assert core.data.execute("SELECT count(*) FROM plan").fetchone()[0] == 0


async def test_policy_refusal_is_a_notice(screens, core):
    """A kind that the profile does not allow: a notice with its next step, nothing applied."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver)
        await driver.press("p", "ctrl+s")
        object.__setattr__(core.ledger.policy, "allow", ("handover",))
        await driver.press("ctrl+s")
        assert "does not allow" in driver.text
        assert driver.base.card.state == "planned"


async def test_results_as_csv(screens, core, tmp_path, monkeypatch):
    """e writes what each row came to; an existing file is asked about."""
    monkeypatch.chdir(tmp_path)
    async with screens(start="customers", target=FREE, size=(100, 50)) as driver:
        await draft(driver)
        await driver.press("p", "ctrl+s", "e", "enter")
        plan = driver.base.card.plan
        await driver.press("e", "enter")
        assert "exists" in driver.text
        (tmp_path / f"{plan.name}.csv").write_text("mine", "utf-8")
        await driver.press("escape")
        assert (tmp_path / f"{plan.name}.csv").read_text("utf-8") == "mine"
        await driver.press("e", "enter", "enter")
    with (tmp_path / f"{plan.name}.csv").open(encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    assert [row["status"] for row in rows] == ["planned"] * plan.rows


async def test_the_command_line_of_a_plan(screens):
    """x shows the command that does the same."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver)
        await driver.press("p", "x")
        name = driver.base.card.plan.name
        assert f"storeops plan freeze {name}" in driver.text


@pytest.mark.parametrize("nasty", ["[red]x[/]", "=1+1", "a\x1b[31mb", "\u202eevil", "😀👩‍👩‍👧"])
async def test_nasty_names_are_text(screens, core, nasty):
    """A customer's name never leaves its cells."""
    core.data.execute("UPDATE customer SET name = ?", (nasty,))
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver, marks=2)
        await driver.press("p", "ctrl+s", "enter", "enter")
        assert "\x1b" not in driver.text
        assert "\u202e" not in driver.text
        await driver.press("escape")
        lines = driver.text.splitlines()
        assert all(len(line) <= 80 for line in lines)


async def test_full_width_letters(screens):
    """What an input method sends for t and p."""
    async with screens(start="customers", target=FREE) as driver:
        await driver.press("ｔ")
        assert "Tags for the draft" in driver.text
        await driver.press("escape", "ｐ")
        assert driver.base.NAME == "plans"


async def test_a_review_begins_whole(screens):
    """What one saw last hides nothing of the next plan; applying tells what is hidden."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver, marks=4)
        await driver.press("p")
        rows = driver.base.card.plan.rows
        name = driver.base.listing("rows").line.cells[2]
        await driver.press("slash")
        await driver.type(name)
        await driver.press("enter")
        seen = driver.base.listing("rows").total
        assert 0 < seen < rows
        assert f"{seen} of {rows} rows" in driver.text
        await driver.press("slash")
        await driver.type("nobody is called so")
        await driver.press("enter")
        assert "No row has these words; Esc takes them away." in driver.text
        await driver.press("escape", "slash")
        await driver.type(name)
        await driver.press("enter", "ctrl+s")
        assert driver.base.card.state == "planned"
        assert driver.base.listing("rows").total == rows
        await driver.press("f", "ctrl+s")  # planned ones are not done, too: none is hidden
        assert "hidden" not in driver.text
        await driver.press("escape", "escape", "slash")
        await driver.type(name)
        await driver.press("enter", "ctrl+s")
        assert f"! {rows - seen} rows are hidden by the filter" in driver.text


async def test_what_changes_is_seen_at_80_by_24(screens):
    """Tag, customers, members and calls stand in one sentence, the tag in every row."""
    async with screens(start="customers", target=FREE) as driver:
        await draft(driver)
        await driver.press("p", "ctrl+s")
        plan = driver.base.card.plan
        lines = [line for line in driver.text.splitlines() if "+品类偏好/童装" in line]
        assert len(lines) == plan.rows
        await driver.press("ctrl+s")
        said = " ".join(line.strip(" │") for line in driver.text.splitlines() if "│" in line)
        assert f"{plan.created_by} will set 品类偏好/童装, for 3 customers of " in said
        assert f"{plan.calls} calls, at once." in said


async def test_the_footer_follows_what_is_done(screens):
    """Nothing marked, some marked, a draft, a plan: the verbs of the moment come first."""

    def verbs(driver) -> list[str]:
        return [key.action for key in driver.base.footer_keys()]

    async with screens(start="customers", target=FREE) as driver:
        assert verbs(driver)[:2] == ["filter", "mark"]
        await driver.press("space")
        assert verbs(driver)[:3] == ["tag", "remark", "handover"]
        await driver.press("t")
        await driver.type("童装")
        await driver.press("enter", "f6")
        assert verbs(driver)[0] == "plan"
        await driver.press("p")
        assert verbs(driver)[0] == "apply"
        assert "Ctrl+S Check" in driver.text
        await driver.press("ctrl+s")
        assert "Ctrl+S Apply" in driver.text
        assert "undo" not in verbs(driver)
