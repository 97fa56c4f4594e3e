"""Plans and journal are stamped with WeCom's time from the first, and made without it off line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from storeops import config

AHEAD = 3 * 3600  # a plan lives longer


def plan_tag(cli: Any, desk: Any) -> str:
    tag = desk.app.data.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL").fetchone()[0]
    made = cli(
        "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json"
    )
    assert made.code == 0, made.err
    return str(made.json["plan_id"])


def stamps(desk: Any) -> dict[str, float]:
    db = desk.app.data
    return {
        "plan": db.execute("SELECT max(created_at) FROM plan").fetchone()[0],
        "applied": db.execute("SELECT max(applied_at) FROM plan").fetchone()[0],
        "journal": db.execute("SELECT at FROM journal ORDER BY seq DESC").fetchone()[0],
    }


def forget(desk: Any) -> None:
    """As on a machine whose run.db is new."""
    desk.app.run.execute("DELETE FROM clock_offset")


@pytest.mark.parametrize("what", ["plan", "applied", "journal"])
def test_the_first_stamp_is_wecoms(cli: Any, desk: Any, what: str) -> None:
    name = plan_tag(cli, desk) if what == "applied" else ""
    desk.sandbox.control.advance(AHEAD)
    forget(desk)
    if name:
        assert cli("plan", "apply", name, "--yes", "--wait", "0s").code == 0
    else:
        plan_tag(cli, desk)
    assert stamps(desk)[what] == pytest.approx(desk.sandbox.control.now(), abs=60)


def test_planning_needs_no_wecom(cli: Any, desk: Any) -> None:
    forget(desk)
    profile = config.load().choose(None)
    config.save_profile(replace(profile, base_url="http://127.0.0.1:9"))
    assert plan_tag(cli, desk)


def test_it_is_asked_for_once(cli: Any, desk: Any) -> None:
    forget(desk)
    plan_tag(cli, desk)
    desk.sandbox.control.reset_calls()
    plan_tag(cli, desk)
    assert not desk.sandbox.control.calls()["paths"]
