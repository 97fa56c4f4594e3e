"""The long drills of changes (`make chaos`): CHAOS_APPLIES applies (100), each killed once."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from storeops import config
from storeops.ceilings import CallLimits
from storeops.changes import apply, plans, sheets, undo
from storeops.changes.follow_requests import FollowRequest, of_sheet, select_follows
from storeops.changes.verify import verify
from storeops.domains.tags.tag_plan import FIELDS, plan_tags
from storeops.reading.customers import Selection
from storeops.sandbox import local
from tests.chaos.changes import bad_lines, killed_applies, open_home

APPLIES = int(os.environ.get("CHAOS_APPLIES", "100"))
SEED = int(os.environ.get("CHAOS_SEED", "1"))
ROWS = int(os.environ.get("CHAOS_ROWS", "20000"))


def test_kill_at_any_moment_of_applying(tmp_path: Path) -> None:
    with local.start(stores=3, staff=15, follows=500, seed=SEED) as sandbox:
        report = killed_applies(sandbox, tmp_path, APPLIES, seed=SEED)
    print(f"\n{report.kills} kills; rows {dict(report.rows)}; {report.asked} jobs asked about")
    assert not report.problems, "\n".join(report.problems)
    assert report.kills > APPLIES / 2


def test_twenty_thousand_rows_from_a_file(tmp_path: Path) -> None:
    """A GB18030 file with 300 bad rows of ten kinds: named, the rest tagged, then put back."""
    with local.start(stores=60, staff=400, follows=ROWS * 2, seed=SEED) as sandbox:
        app = open_home(sandbox, tmp_path / "home")
        tag, other = (
            row[0]
            for row in app.data.execute("SELECT tag_id FROM tag WHERE kind = 1 ORDER BY id LIMIT 2")
        )
        found = app.data.execute(
            "SELECT c.external_userid, s.userid FROM follow AS f"
            " JOIN customer AS c ON c.id = f.customer_id JOIN staff AS s ON s.id = f.staff_id"
            " WHERE f.status = 'active' AND NOT EXISTS (SELECT 1 FROM follow_tag AS x JOIN tag AS t"
            "  ON t.id = x.tag_id WHERE x.follow_id = f.id AND t.tag_id = ?) ORDER BY f.id LIMIT ?",
            (tag, ROWS),
        ).fetchall()
        assert len(found) == ROWS
        bad = bad_lines(app, {row[0] for row in found}, 30)
        assert sum(map(len, bad.values())) == 300
        lines = [f"{customer},,{userid}," for customer, userid in found]
        where: dict[int, str] = {}
        for code, texts in bad.items():
            for text in texts:
                where[len(lines) + 2] = code
                lines.append(text)
        path = tmp_path / "in.csv"
        text = "客户ID,手机号,导购,标签\r\n" + "\r\n".join(lines) + "\r\n"
        path.write_bytes(text.encode("gb18030"))

        before = {
            (row["userid"], row["external_userid"]): set(row["tag_id"])
            for row in sandbox.control.export("follows")
        }
        sandbox.control.reset_calls()
        selected = of_sheet(app.data, sheets.read(sheets.Source(str(path)), FIELDS))
        plan = plan_tags(app.ledger, selected, add=[tag], remove=[other])
        named = {each["line"]: each["code"] for each in plan.problems if not each["warning"]}
        assert named == where
        assert sandbox.control.calls()["total"] == 0
        assert plan.ready == ROWS
        apply.apply(app.ledger, plan.name)
        app.worker().run(plan_id=plan.id)
        assert plans.row_counts(app.data, plan.id) == {"done": ROWS}
        back = undo.plan_undo(app.ledger, plan.name)
        apply.apply(app.ledger, back.name)
        app.worker().run(plan_id=back.id)
        assert plans.row_counts(app.data, plan.id) == {"undone": ROWS}
        after = {
            (row["userid"], row["external_userid"]): set(row["tag_id"])
            for row in sandbox.control.export("follows")
        }
        assert after == before
        assert verify(app.data, app.ledger.journal).whole
        app.close()


RUN = [sys.executable, "-m", "storeops", "job", "run", "--json", "--quiet"]


def test_two_workers_and_a_cron_run_share_the_limits(tmp_path: Path) -> None:
    """Never more in flight than configured, no 45009 of ours, and nobody starves."""
    with local.start(
        stores=10, staff=60, follows=4000, seed=SEED, minute_limit=1200, latency_ms=15
    ) as sandbox:
        app = open_home(sandbox, tmp_path / "home")
        profile = config.load().profiles["chaos"]
        limits = CallLimits(in_flight=4, per_minute=1200)
        config.save_profile(
            config.Profile(
                name="chaos", corp_id=profile.corp_id, agent_id=profile.agent_id,
                base_url=profile.base_url, sandbox=True, limits=limits,
            )
        )  # fmt: skip
        (tag,) = app.data.execute("SELECT tag_id FROM tag WHERE kind = 1 LIMIT 1").fetchone()
        selected = select_follows(
            app.data,
            FollowRequest(Selection(where=f"status:active !#{tag}"), follows="all"),
            app.clock.now(),
        )
        plan = plan_tags(app.ledger, selected, add=[tag])
        apply.apply(app.ledger, plan.name)
        sandbox.control.reset_calls()
        modes = (["--until-empty"], ["--until-empty"], ["--for", "20s"])
        workers = [
            subprocess.Popen([*RUN, *mode], stdout=subprocess.PIPE, text=True) for mode in modes
        ]
        ended = [json.loads(each.communicate(timeout=600)[0]) for each in workers]
        calls = sandbox.control.calls()["paths"]["externalcontact/mark_tag"]
        print(f"\n{plan.ready} rows; jobs per worker {[each['jobs'] for each in ended]}; {calls}")
        assert plans.row_counts(app.data, plan.id) == {"done": plan.ready}
        assert calls["calls"] == plan.ready
        assert calls["max_in_flight"] <= 4
        assert "45009" not in calls["errcodes"]
        assert all(each["jobs"] > plan.ready / 50 for each in ended), "nobody starves"
        assert verify(app.data, app.ledger.journal).whole
        app.close()
