"""Plans and journal are stamped with WeCom's time from the first, and made without it off line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from storeops import config

AHEAD = 3 * 3600  # a plan lives longer


def plan_tag(cli: Any, corp: Any) -> str:
    tag = corp.app.data.execute("SELECT tag_id FROM tag WHERE deleted_at IS NULL").fetchone()[0]
    made = cli(
        "tag", "plan", "--add", tag, "--where", "status:active", "--follows", "all", "--json"
    )
    assert made.code == 0, made.err
    return str(made.json["plan_id"])


def stamps(corp: Any) -> dict[str, float]:
    db = corp.app.data
    return {
        "plan": db.execute("SELECT max(created_at) FROM plan").fetchone()[0],
        "applied": db.execute("SELECT max(applied_at) FROM plan").fetchone()[0],
        "journal": db.execute("SELECT at FROM journal ORDER BY seq DESC").fetchone()[0],
    }


def forget(corp: Any) -> None:
    """As on a machine whose run.db is new."""
    corp.app.run.execute("DELETE FROM clock_offset")


@pytest.mark.parametrize("what", ["plan", "applied", "journal"])
def test_the_first_stamp_is_wecoms(cli: Any, corp: Any, what: str) -> None:
    name = plan_tag(cli, corp) if what == "applied" else ""
    corp.sandbox.control.advance(AHEAD)
    forget(corp)
    if name:
        assert cli("plan", "apply", name, "--yes", "--wait", "0s").code == 0
    else:
        plan_tag(cli, corp)
    assert stamps(corp)[what] == pytest.approx(corp.sandbox.control.now(), abs=60)


def test_planning_needs_no_wecom(cli: Any, corp: Any) -> None:
    forget(corp)
    profile = config.load().choose(None)
    config.save_profile(replace(profile, base_url="http://127.0.0.1:9"))
    assert plan_tag(cli, corp)


def test_it_is_asked_for_once(cli: Any, corp: Any) -> None:
    forget(corp)
    plan_tag(cli, corp)
    corp.sandbox.control.reset_calls()
    plan_tag(cli, corp)
    assert not corp.sandbox.control.calls()["paths"]
