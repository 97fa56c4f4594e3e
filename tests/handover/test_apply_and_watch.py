"""From plan to final answer: on the job and after leaving."""

from __future__ import annotations

DAY = 86_400


def test_a_leavers_customers_are_handed_over_and_known_to_be(corp):
    leaver, to_owner = corp.leavers()[0]["userid"], corp.staff()[0]["userid"]
    made = corp.hand_over(leaver, to=to_owner, groups=False)
    assert made.plan.ready == made.plan.rows >= 3
    assert set(corp.row_counts(made)) == {"waiting"}
    early = corp.watch()
    assert (early.settled, early.ended) == ({}, "once")
    corp.control.advance(DAY)
    watched = corp.watch(until_settled=True)
    assert watched.settled == {"done": made.plan.rows}
    assert corp.row_counts(made) == {"done": made.plan.rows}
    row = corp.results(made)[0]
    assert (row["handover_userid"], row["takeover_userid"]) == (leaver, to_owner)
    assert abs(row["settled_at"] - row["due_at"]) <= 2
    corp.compare()
    status = dict(
        corp.app.data.execute(
            "SELECT s.userid || '/' || c.external_userid, f.status FROM follow f"
            " JOIN staff s ON s.id = f.staff_id JOIN customer c ON c.id = f.customer_id"
        ).fetchall()
    )
    external = row["external_userid"]
    assert status[f"{leaver}/{external}"] == "handed_over"
    assert status[f"{to_owner}/{external}"] == "active"
    corp.sync()
    corp.sync()
    assert corp.summary()["foreseeable"] == 0
