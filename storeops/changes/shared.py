"""What of a plan flows down to the shop that asked for it: its state, each row's answer, its jobs.

They are kinds of things like those of the mirror, so that what is noted, published and delivered of
these is of answers, too. Where the plan was asked for they come into tables of their own, and
`elsewhere.settle` brings the plan there to what they say.
"""

from __future__ import annotations

from storeops.shared_rows import Noted, SharedTable, SharedThing

PART = 100  # rows of a plan, or jobs, in one message
PARTS = 10_000  # messages about one plan at most
_SHOP = (
    " JOIN {departments} AS d ON d.department_id = r.store AND d.store = r.store AND d.below = 1"
)
_ASKED = "CROSS JOIN plan_asker AS r ON r.request ="
_PART = f"{PARTS} + ({{row}}.row - 1) / {PART}"
_JOBS = f"CROSS JOIN job AS j ON j.id >= {{row}}.key * {PART} AND j.id < ({{row}}.key + 1) * {PART}"

THINGS = (
    SharedThing(
        kind="plans",
        tables=(
            SharedTable(
                name="elsewhere_plan",
                rows="SELECT w.key, w.store, r.request, p.status, p.paused, p.paused_why"
                f" FROM {{wanted}} AS w {_ASKED} w.key JOIN plan AS p ON p.id = r.plan_id",
                held="request = :key",
            ),
        ),
        stores=f"SELECT k.key, d.store FROM {{keys}} AS k {_ASKED} k.key{_SHOP}",
        every="SELECT request FROM plan_asker WHERE store = :store",
        noted=(
            Noted(table="plan_asker", keys="SELECT {row}.request"),
            Noted(
                table="plan",
                columns="status, paused, paused_why",
                keys="SELECT request FROM plan_asker WHERE plan_id = {row}.id",
            ),
        ),
    ),
    SharedThing(
        kind="answers",
        tables=(
            SharedTable(
                name="elsewhere_row",
                rows="SELECT w.key, w.store, w.key AS part, r.request, q.asker_row AS row,"
                " a.status, a.errcode, a.meaning, a.next_step, a.retryable, a.due_at, a.at,"
                f" a.job_id, a.answer FROM {{wanted}} AS w {_ASKED} w.key / {PARTS}"
                " JOIN plan_asker_row AS q ON q.plan_id = r.plan_id"
                f" AND q.row > w.key % {PARTS} * {PART}"
                f" AND q.row <= (w.key % {PARTS} + 1) * {PART}"
                " JOIN plan_row AS a ON a.plan_id = r.plan_id AND a.row = q.row ORDER BY q.row",
                held="part = :key",
            ),
        ),
        stores=f"SELECT k.key, d.store FROM {{keys}} AS k {_ASKED} k.key / {PARTS}{_SHOP}",
        every=f"SELECT DISTINCT r.request * {_PART.format(row='q')} FROM plan_asker AS r"
        " JOIN plan_asker_row AS q ON q.plan_id = r.plan_id WHERE r.store = :store",
        noted=(
            Noted(
                table="plan_row",
                columns="status, errcode, meaning, next_step, retryable, due_at, job_id",
                keys=f"SELECT request * {_PART} FROM plan_asker WHERE plan_id = {{row}}.plan_id",
            ),
            Noted(
                table="plan_asker_row",
                keys=f"SELECT request * {_PART} FROM plan_asker WHERE plan_id = {{row}}.plan_id",
            ),
        ),
    ),
    SharedThing(
        kind="jobs",
        tables=(
            SharedTable(
                name="elsewhere_job",
                rows="SELECT w.key, w.store, j.id, r.request, j.action, j.size, j.status,"
                " j.held, j.priority, j.run_at, j.attempts, j.asks, j.errcode, j.error,"
                " j.created_at, j.started_at, j.finished_at"
                f" FROM {{wanted}} AS w {_JOBS.format(row='w')}"
                " JOIN plan_asker AS r ON r.plan_id = j.plan_id AND r.store = w.store"
                " ORDER BY j.id",
                held=f"id / {PART} = :key",
            ),
            SharedTable(
                name="elsewhere_job_row",
                rows="SELECT w.key, w.store, c.job_id, q.asker_row AS row"
                f" FROM {{wanted}} AS w {_JOBS.format(row='w')}"
                " JOIN plan_asker AS r ON r.plan_id = j.plan_id AND r.store = w.store"
                " JOIN job_row AS c ON c.job_id = j.id"
                " JOIN plan_asker_row AS q ON q.plan_id = r.plan_id AND q.row = c.row"
                " ORDER BY c.job_id, q.asker_row",
                held=f"job_id / {PART} = :key",
            ),
        ),
        stores=f"SELECT DISTINCT k.key, d.store FROM {{keys}} AS k {_JOBS.format(row='k')}"
        f" JOIN plan_asker AS r ON r.plan_id = j.plan_id{_SHOP}",
        every=f"SELECT DISTINCT j.id / {PART} FROM plan_asker AS r JOIN job AS j"
        " ON j.plan_id = r.plan_id WHERE r.store = :store",
        noted=(
            Noted(
                table="job",
                columns="status, held, attempts, errcode",
                keys=f"SELECT {{row}}.id / {PART} FROM plan_asker WHERE plan_id = {{row}}.plan_id",
            ),
        ),
    ),
)
