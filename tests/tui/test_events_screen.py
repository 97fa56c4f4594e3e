"""Events: live, raw beside decoded, tried again; and what no callback told of."""

from __future__ import annotations

import asyncio

from storeops.events.inbox import FAILED, Delivery, Inbox
from storeops.events.kinds import named
from storeops.events.message import read_message
from storeops.sync.run import run_sync
from tests.tui.conftest import NOON


def arrive(inbox, change, userid, external_userid, at, nonce):
    """Keep a callback as the receiver does."""
    body = (
        "<xml><ToUserName>ww1</ToUserName><FromUserName>sys</FromUserName>"
        f"<CreateTime>{at}</CreateTime><MsgType>event</MsgType>"
        "<Event>change_external_contact</Event>"
        f"<ChangeType>{change}</ChangeType><UserID>{userid}</UserID>"
        f"<ExternalUserID>{external_userid}</ExternalUserID></xml>"
    ).encode()
    message = read_message(body)
    delivery = Delivery("0" * 40, str(at), nonce, b"<xml><Encrypt>[b]sealed[/b]</Encrypt></xml>")
    return (
        Inbox(inbox).keep(delivery, "sealed", message, body, named(message), "", float(at)).event_id
    )


async def test_events_are_seen_as_they_come_and_tried_again(screens, core):
    who, owner = core.data.execute(
        "SELECT customer.external_userid, staff.userid FROM follow"
        " JOIN customer ON customer.id = follow.customer_id"
        " JOIN staff ON staff.id = follow.staff_id WHERE follow.status = 'active' LIMIT 1"
    ).fetchone()
    async with screens(start="events", size=(160, 40)) as driver:
        await driver.rest()
        assert "events serve" in driver.text
        number = arrive(core.inbox, "edit_external_contact", owner, who, NOON, "n1")
        assert await until(driver, "customer changed")
        assert "<Encrypt>[b]sealed[/b]</Encrypt>" in driver.text
        assert "ExternalUserID:" in driver.text
        core.inbox.execute(
            "UPDATE event SET status = ?, due_at = NULL, attempts = 6 WHERE id = ?",
            (FAILED, number),
        )
        await driver.press("f5")
        await driver.rest()
        assert "! failed" in driver.text
        await driver.press("r")
        await driver.rest()
        (status, due) = core.inbox.execute(
            "SELECT status, due_at FROM event WHERE id = ?", (number,)
        ).fetchone()
        assert (status, due) == ("received", core.clock.now())
        assert "is due again" in driver.text
        await driver.press("c")
        await driver.rest()
        assert (driver.base.NAME, driver.base.look.where) == ("customers", f"id:{who}")


async def until(driver, text, seconds=20.0):
    """Wait for what another writes; the screen looks once a second."""
    for _each in range(int(seconds / 0.05)):
        await driver.rest()
        if text in driver.text:
            return True
        await asyncio.sleep(0.05)
    return False


async def test_what_no_event_told_stands_beside(screens, fresh_chain, core):
    who, owner = core.data.execute(
        "SELECT customer.external_userid, staff.userid FROM follow"
        " JOIN customer ON customer.id = follow.customer_id"
        " JOIN staff ON staff.id = follow.staff_id WHERE follow.status = 'active' LIMIT 1"
    ).fetchone()
    async with screens(start="events", size=(160, 40)) as driver:
        await driver.press("v")
        await driver.rest()
        assert "Nothing was compared yet" in driver.text
        fresh_chain.sandbox.control.act(
            "remark_edit", userid=owner, external_userid=who, remark="aside"
        )
        run_sync(core)
        await driver.press("f5")
        await driver.rest()
        assert "events told of 0 of 1 change" in driver.text
        assert "remark" in driver.text
        assert "repaired" in driver.text
        assert "mirror already" in driver.base.why_not("retry")
        await driver.press("v")
        await driver.rest()
        assert "events serve" in driver.text


async def test_what_events_told_too_late_is_no_gap_and_a_forgotten_event_ends_nothing(
    screens, fresh_chain, core
):
    """An event that came before the sync and was handled after it had told all the same."""
    who, owner = core.data.execute(
        "SELECT customer.external_userid, staff.userid FROM follow"
        " JOIN customer ON customer.id = follow.customer_id"
        " JOIN staff ON staff.id = follow.staff_id WHERE follow.status = 'active' LIMIT 1"
    ).fetchone()
    fresh_chain.sandbox.control.act(
        "remark_edit", userid=owner, external_userid=who, remark="aside"
    )
    number = arrive(core.inbox, "edit_external_contact", owner, who, NOON + 300, "n1")
    run_sync(core)
    core.inbox.execute(
        "UPDATE event SET status = 'handled', due_at = NULL, handled_at = ? WHERE id = ?",
        (core.clock.now() + 60, number),
    )
    async with screens(start="events", size=(160, 40)) as driver:
        await driver.press("v")
        await driver.rest()
        assert "told of 1 of 1 change" in driver.text
        await driver.press("v")
        await driver.rest()
        Inbox(core.inbox).forget(external_userid=who)
        driver.base.put_card(driver.base.table.line)
        await driver.rest()
        assert "This event is gone" in driver.text
