"""Plans, jobs, journal and handover desk as text, in both languages and two sizes.

Plan ids and hashes are random: they are shown as zeros here. Nothing is sent.
"""

from __future__ import annotations

import platform
import random
import re
from types import SimpleNamespace

import pytest

from storeops import i18n
from storeops.changes import apply, control, plans
from storeops.changes.drafts import freeze
from storeops.changes.marked import MarkedCustomers, follows_of
from storeops.domains.handover.leavers import leavers
from storeops.domains.remarks.remark_drafts import draft_remarks
from storeops.domains.tags.tag_drafts import draft_tags
from tests.tui.test_snapshots import LANGUAGES, SIZES, both_sizes, steady
from tests.tui.windows import LEDGER, press_all

SCREENS = ("plans", "jobs", "audit", "handover")

_PLAN = re.compile(r"\b(tag|remark|handover)-[2-9A-Z]{6}\b")
_HEX = re.compile(
    r"\b[0-9a-f]{16,}|(?<=\s)[0-9a-f]{6,8}(?=\s*(?:│|$))", re.MULTILINE
)  # and what was wrapped


def anonymous(text: str) -> str:
    """The text with the same plan ids and hashes every time."""
    text = _PLAN.sub(lambda match: f"{match[1]}-000000", steady(text))
    return _HEX.sub(lambda match: "0" * len(match[0]), text)


@pytest.fixture
def ledger(core, monkeypatch):
    """A draft, a ready plan, a blocked one, a paused one, a cancelled one."""
    monkeypatch.setattr(platform, "node", lambda: "desk")
    dice = random.Random(5)  # a window may leave half of a plan's name to be seen
    monkeypatch.setattr(plans, "secrets", SimpleNamespace(choice=dice.choice))
    core.as_name = "Ann"
    rows = core.data.execute(
        "SELECT DISTINCT customer_id FROM follow WHERE status = 'active' ORDER BY 1 LIMIT 20"
    )
    keys = [row[0] for row in rows]
    ledger = core.ledger

    def remarks(some, text):
        plan, _count = draft_remarks(
            ledger,
            follows_of(core.data, MarkedCustomers(tuple(some), 0, ()), "newest"),
            {"description": text},
        )
        return freeze(ledger, plan.name, reason="spring")

    plan = remarks(keys[:3], "{store} VIP")
    apply.apply(ledger, plan.name)
    control.pause(ledger, plan.name)
    control.cancel_plan(ledger, remarks(keys[3:5], "old").name)
    remarks(keys[5:9], "x" * 151)
    remarks(keys[14:16], "{name}")
    tag = core.data.execute(
        "SELECT tag_id FROM tag WHERE name = '童装' AND deleted_at IS NULL"
    ).fetchone()[0]
    marked = follows_of(core.data, MarkedCustomers(tuple(keys[9:14]), 0, ()), "newest")
    draft_tags(ledger, marked, add=[tag], remove=[])
    return core


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("screen", SCREENS)
async def test_screen(screens, request, screen, language):
    i18n.use(language)
    request.getfixturevalue("ledger")
    async with screens(start=screen, size=SIZES[0]) as driver:
        await driver.rest()
        await both_sizes(driver, screen, language, anonymous)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("window", list(LEDGER))
async def test_window(screens, request, window, language):
    i18n.use(language)
    core = request.getfixturevalue("ledger")
    way = LEDGER[window]
    assert way.screen != "handover" or leavers(core.data, core.clock.now())
    async with screens(start=way.screen) as driver:
        await driver.press(*way.keys)
        assert type(driver.app.screen).__name__ == way.opens
        driver.app.clear_notifications()
        await driver.rest()
        await both_sizes(driver, f"window-{window}", language, anonymous)
        if language == "en":
            assert "escape" in await press_all(driver)
