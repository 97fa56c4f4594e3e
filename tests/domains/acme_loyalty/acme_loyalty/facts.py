"""What the engines ask: conditions, a column, a card, Today, checks, completion, erasure."""

import json

from storeops.changes.submissions import NotTheirsError, SubmissionKind
from storeops.domain import CardSection, DemoStep, TodayLine
from storeops.i18n import _
from storeops.operations.alarms import Alarm, AlarmKind
from storeops.operations.doctor import Finding
from storeops.operations.reports import NamedReport, ReportColumn, ReportPicture, ReportTable
from storeops.reading.columns import CustomerColumn
from storeops.reading.conditions import Condition, Facet
from storeops.shared_rows import Noted, SharedTable, SharedThing

JOIN = "loyalty_points p JOIN customer c ON c.external_userid = p.external_userid"

# the points of a shop's customers flow to its back office
SHARED = (
    SharedThing(
        kind="loyalty",
        tables=(
            SharedTable(
                name="loyalty_points",
                rows="SELECT w.key, w.store, p.external_userid, p.points, p.level"
                " FROM {wanted} AS w CROSS JOIN customer AS c ON c.id = w.key"
                " JOIN loyalty_points AS p ON p.external_userid = c.external_userid",
                held="external_userid = (SELECT external_userid FROM customer WHERE id = :key)",
            ),
        ),
        stores="SELECT DISTINCT k.key, d.store FROM {keys} AS k"
        " CROSS JOIN follow AS f ON f.customer_id = k.key"
        " JOIN {departments} AS d ON d.department_id = f.store_id AND d.below = 1",
        every="SELECT c.id FROM " + JOIN + " WHERE c.id IN (SELECT f.customer_id FROM follow AS f"
        " JOIN {departments} AS d ON d.department_id = f.store_id AND d.below = 1"
        " WHERE d.store = :store)",
        noted=(
            Noted(
                table="loyalty_points",
                keys="SELECT id FROM customer WHERE external_userid = {row}.external_userid",
            ),
        ),
    ),
)


def _submitted_of(db, submission):
    """customer.id of one whom a member of the asking shop follows."""
    members = json.dumps(sorted(submission.members))
    row = db.execute(
        "SELECT c.id FROM customer AS c JOIN follow AS f ON f.customer_id = c.id JOIN staff AS s"
        " ON s.id = f.staff_id WHERE c.external_userid = ?"
        " AND lower(s.userid) IN (SELECT value FROM json_each(?))",
        (submission.body["customer"], members),
    ).fetchone()
    if row is None:
        raise NotTheirsError(submission.body["customer"])
    return row[0]


# a guide at a back office gives points: head office writes them
SUBMISSION = SubmissionKind(
    "loyalty",
    _submitted_of,
    lambda db, submission: db.execute(
        "UPDATE loyalty_points SET points = points + ? WHERE external_userid = ?",
        (int(submission.body["points"]), submission.body["customer"]),
    ),
)


def _points(value):
    number = value.lstrip(">")
    return value if number.isdecimal() else None


def _more(value, _now):
    sign = ">" if value.startswith(">") else "="
    return (
        f"SELECT c.id AS customer_id FROM {JOIN} WHERE p.points {sign} ?",
        (int(value.lstrip(">")),),
    )


POINTS = Condition(
    source=_more, values=_points, single=True, examples=(">100", "0"), words=("积分",),
    help="Loyalty points: >100.",
)  # fmt: skip
LEVEL = Condition(
    source=lambda value, _now: (
        f"SELECT c.id AS customer_id FROM {JOIN} WHERE p.level = ?",
        (value,),
    ),
    values=lambda value: value if value in ("silver", "gold") else None,
    examples=("silver", "gold"),
    words=("级别",),
    facet=Facet(
        title="Level",
        pairs=f"SELECT c.id AS customer_id, p.level AS value FROM {JOIN}",
        names=lambda _db: {"gold": _("Gold level")},
    ),
)


def _values(db, ids):
    rows = db.execute(
        f"SELECT c.id, p.points FROM {JOIN} WHERE c.id IN (SELECT value FROM json_each(?))",
        (json.dumps(list(ids)),),
    )
    return dict(rows.fetchall())


COLUMN = CustomerColumn(title="Points", values=_values, right=True, width=7, kind=int)


def card(db, customer, _now):
    """The card's section."""
    row = db.execute(f"SELECT p.points, p.level FROM {JOIN} WHERE c.id = ?", (customer,)).fetchone()
    if row is None:
        return None
    return CardSection(
        _("Loyalty"), [(_("Points"), str(row[0]))], {"points": row[0], "level": row[1]}
    )


def today(db, _now):
    """How many are gold."""
    count = db.execute("SELECT count(*) FROM loyalty_points WHERE level = 'gold'").fetchone()[0]
    return [TodayLine(f"{count} customers are gold.", "storeops loyalty list")] if count else []


def _gold(app, settings):
    count = app.data.execute("SELECT count(*) FROM loyalty_points WHERE level = 'gold'").fetchone()[
        0
    ]
    if count > settings["most"]:
        yield Alarm(rank=count, values={"count": count})


GOLD = AlarmKind(
    title="Many are gold", settings={"most": 0}, find=_gold,
    describe=lambda values: (f"{values['count']} are gold.", "storeops loyalty list"),
)  # fmt: skip


def send(app, name, text, ident):
    """The till prints it; the same ident once."""
    with app.data.atomic() as connection:
        connection.execute("INSERT OR IGNORE INTO loyalty_guide VALUES (?)", (f"{name} {text}",))


def checks(app):
    """The table can be read."""
    rows = app.data.execute("SELECT count(*) FROM loyalty_points").fetchone()[0]
    return [Finding("loyalty", "loyalty", "ok", f"{rows} rows")]


def report(db, period, _now):
    """Points by level."""
    found = db.execute("SELECT level, sum(points) FROM loyalty_points GROUP BY level").fetchall()
    rows = [{"level": level, "points": points} for level, points in found]
    columns = [ReportColumn("level", "Level", "text"), ReportColumn("points", "Points")]
    data = {"on": period.until, "rows": rows}
    table = ReportTable("levels", "Levels", columns, rows, bar="points")
    card = db.path.parent / "card.png"
    picture = ReportPicture("Card", "gold", "png", card, 70)
    return NamedReport("points", "Points", period, True, data, [table], pictures=[picture])


def levels(_db, start):
    """Completion."""
    return [(each, "") for each in ("gold", "silver") if each.startswith(start)]


def forget_customer(connection, external_userid, _ids=()):
    """Erase a person."""
    return connection.execute(
        "DELETE FROM loyalty_points WHERE external_userid = ?", (external_userid,)
    ).rowcount


def refreshed(db, now):
    """Facts came in."""
    db.execute("INSERT INTO loyalty_refreshed VALUES (?)", (now,))


def furnish(app):
    """The demo: the newest customer has points."""
    newest = "SELECT external_userid FROM customer ORDER BY id DESC LIMIT 1"
    app.data.execute(
        f"INSERT OR REPLACE INTO loyalty_points (external_userid, points) VALUES (({newest}), 7)"
    )
    return [DemoStep("loyalty list", "Who has points.")]
