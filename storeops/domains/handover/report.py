"""How handovers went: what waits, how it ended by taker, shop and outcome, and how long it took."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from storeops.changes import plans
from storeops.database.database import Database
from storeops.domains.handover import rules
from storeops.errors import UsageError
from storeops.i18n import _, said

GROUPINGS = ("taker", "owner", "store", "plan", "outcome")
_ENDS = ("done", "refused", "taker_full", "no_record", "vanished", "failed")


@dataclass(frozen=True, slots=True)
class Waiting:
    """One pair with attempts that wait; times in Unix seconds."""

    what: str
    kind: str
    handover_userid: str
    takeover_userid: str
    rows: int
    due_at: float  # the first that falls due
    last_due_at: float
    overdue: int

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "what": self.what,
            "kind": self.kind,
            "handover_userid": self.handover_userid,
            "takeover_userid": self.takeover_userid,
            "rows": self.rows,
            "due_at": self.due_at,
            "last_due_at": self.last_due_at,
            "overdue": self.overdue,
        }


@dataclass(slots=True)
class ReportLine:
    """One line of the report.

    Attributes:
        key, name: what it is about.
        rows: attempts that WeCom accepted.
        waiting: not known yet.
        ends: settled attempts per status.
        hours: median hours from asking to the end, of those done; None without any.
        confirmed: done ones whose new relation a later reading has seen.
        lost: settled ones whose customer nobody of the corp has any more.
    """

    key: str
    name: str = ""
    rows: int = 0
    waiting: int = 0
    ends: dict[str, int] = field(default_factory=lambda: dict.fromkeys(_ENDS, 0))
    hours: float | None = None
    confirmed: int = 0
    lost: int = 0

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "key": self.key,
            "name": self.name,
            "rows": self.rows,
            "waiting": self.waiting,
            **self.ends,
            "confirmed": self.confirmed,
            "lost": self.lost,
            "median_hours": self.hours,
        }


def waiting(db: Database, now: float) -> list[Waiting]:
    """Pairs with attempts that wait, soonest due first."""
    return [
        Waiting(*record)
        for record in db.execute(
            "SELECT what, kind, handover_userid, takeover_userid, count(*), min(due_at),"
            " max(due_at), sum(due_at <= ?) FROM handover WHERE status = 'waiting'"
            " GROUP BY what, kind, handover_userid, takeover_userid ORDER BY 6, 3, 4",
            (now,),
        )
    ]


def open_answers(db: Database, now: float) -> tuple[int, int]:
    """How many attempts wait for their end, and of how many it can be asked for now."""
    waits, due = db.execute(
        "SELECT count(*), coalesce(sum(due_at <= ?), 0) FROM handover WHERE status = 'waiting'",
        (now,),
    ).fetchone()
    return waits, due


def next_answer(db: Database, now: float) -> float | None:
    """When the next attempt that is not due yet can be asked for, Unix seconds."""
    found = db.execute(
        "SELECT min(due_at) FROM handover WHERE status = 'waiting' AND due_at > ?", (now,)
    ).fetchone()[0]
    return None if found is None else float(found)


def report(
    db: Database, *, by: str = "taker", plan: str = "", since: float = 0.0
) -> list[ReportLine]:
    """Attempts grouped; the largest group first.

    Args:
        db: data.db.
        by: taker | owner | store (of the taker) | plan | outcome.
        plan: only this plan.
        since: only attempts from this moment on (Unix seconds).

    Raises:
        UsageError: no such grouping.
        NotFoundError: no such plan.
    """
    if by not in GROUPINGS:
        raise UsageError(
            _("There is no grouping {name}.").format(name=by),
            hint=_("Known: {names}.").format(names=_(", ").join(GROUPINGS)),
        )
    key, name = {
        "taker": ("h.takeover_userid", "coalesce(t.name, '')"),
        "owner": ("h.handover_userid", "coalesce(g.name, '')"),
        "store": ("coalesce(t.main_department, 0)", "coalesce(d.name, '')"),
        "plan": ("p.name", "p.title"),
        "outcome": ("h.status", "''"),
    }[by]
    plan_id = plans.get(db, plan, plans.APPLIED).id if plan else None
    lines: dict[str, ReportLine] = {}
    hours: dict[str, list[float]] = defaultdict(list)
    for group, label, status, what, asked, settled, seen, gone in db.execute(
        f"SELECT {key}, {name}, h.status, h.what, h.asked_at, h.settled_at,"
        " h.status = 'done' AND h.what = 'customer' AND EXISTS (SELECT 1 FROM follow AS f"
        "  JOIN customer AS c ON c.id = f.customer_id WHERE c.external_userid = h.subject"
        "  AND f.staff_id = t.id AND f.status = 'active' AND f.tags_known = 1),"
        " h.status <> 'waiting' AND h.what = 'customer' AND EXISTS (SELECT 1 FROM customer AS c"
        "  WHERE c.external_userid = h.subject AND NOT EXISTS (SELECT 1 FROM follow AS f"
        "  WHERE f.customer_id = c.id AND f.status NOT IN ('lost', 'handed_over')))"
        " FROM handover AS h JOIN plan AS p ON p.id = h.plan_id"
        " LEFT JOIN staff AS t ON t.userid = h.takeover_userid"
        " LEFT JOIN staff AS g ON g.userid = h.handover_userid"
        " LEFT JOIN department AS d ON d.id = t.main_department"
        " WHERE (? IS NULL OR h.plan_id = ?) AND h.asked_at >= ?",
        (plan_id, plan_id, since),
    ):
        line = lines.setdefault(str(group), ReportLine(str(group), said(label)))
        line.rows += 1
        line.confirmed += seen
        line.lost += gone
        if status == "waiting":
            line.waiting += 1
        else:
            line.ends[status] = line.ends.get(status, 0) + 1
        if status == "done" and what == rules.CUSTOMER:
            hours[line.key].append((settled - asked) / 3600)
    for group, spans in hours.items():
        lines[group].hours = round(median(spans), 2)
    return sorted(lines.values(), key=lambda each: (-each.rows, each.key))


@dataclass(frozen=True, slots=True)
class Quota:
    """How often one customer was handed over on the job within 90 days.

    Attributes:
        external_userid: the customer.
        used: attempts that count today.
        left: how many more are allowed now.
        last_at: the newest of them, Unix seconds.
        frees_at: when one more becomes possible, Unix seconds; None while one still is.
    """

    external_userid: str
    used: int
    left: int
    last_at: float
    frees_at: float | None

    def as_dict(self) -> dict[str, Any]:
        """As JSON shows it."""
        return {
            "external_userid": self.external_userid,
            "used": self.used,
            "left": self.left,
            "last_at": self.last_at,
            "frees_at": self.frees_at,
        }


def quota(db: Database, now: float, *, userid: str = "", exhausted: bool = False) -> list[Quota]:
    """Customers who were handed over on the job within 90 days, those longest barred first.

    Args:
        db: data.db.
        now: WeCom's time, Unix seconds.
        userid: only customers whom this member follows now.
        exhausted: only those who cannot be handed over today.
    """
    moments: dict[str, list[float]] = defaultdict(list)
    for subject, asked in db.execute(
        "SELECT h.subject, h.asked_at FROM handover AS h WHERE h.kind = 'on_job'"
        " AND h.what = 'customer' AND h.asked_at >= ? AND (? = '' OR EXISTS (SELECT 1"
        "  FROM follow AS f JOIN customer AS c ON c.id = f.customer_id"
        "  JOIN staff AS s ON s.id = f.staff_id WHERE c.external_userid = h.subject"
        "  AND s.userid = ? AND f.status = 'active')) ORDER BY h.asked_at",
        (rules.first_counted_day(now), userid, userid),
    ):
        moments[subject].append(asked)
    found = []
    for subject, asked in moments.items():
        left = max(0, rules.REPEAT_LIMIT - len(asked))
        frees = None if left else rules.frees_at(asked[-rules.REPEAT_LIMIT])
        if frees is not None or not exhausted:
            found.append(Quota(subject, len(asked), left, asked[-1], frees))
    return sorted(found, key=lambda each: (-(each.frees_at or 0), -each.used, each.external_userid))
