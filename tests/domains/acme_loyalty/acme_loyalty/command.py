"""`storeops loyalty`."""

from typing import Annotated

import typer

from commands import output, planned
from commands.context import current
from commands.output import Column
from storeops.changes import plans, relations
from storeops.domains.remarks.remarks import remark_row
from storeops.i18n import _

app = typer.Typer(help=_("Loyalty points."))


@app.command("list", help=_("Who has how many points."))
def list_() -> None:
    """List."""
    rows = current().app.data.execute("SELECT * FROM loyalty_points ORDER BY points DESC")
    output.items(
        ({"external_userid": who, "points": points, "level": level} for who, points, level in rows),
        [Column("external_userid", _("Id")), Column("points", _("Points"), right=True)],
    )


@app.command("set", help=_("Give points."))
def give(who: str, points: int, level: Annotated[str, typer.Option("--level")] = "silver") -> None:
    """Set points."""
    with current().app.data.atomic() as connection:
        connection.execute(
            "INSERT OR REPLACE INTO loyalty_points VALUES (?, ?, ?)", (who, points, level)
        )
    output.result({"external_userid": who, "points": points}, "ok")


@app.command("gift", help=_("Plan gifts for one customer."))
def gift(userid: str, who: str, text: str) -> None:
    """Plan."""
    ledger = current().app.ledger
    (relation,) = relations.by_pairs(ledger.db, [(userid, who)])
    row = remark_row(1, relation, {"description": text})
    planned.show_plan(plans.make(ledger, "loyalty_gift", [row], title="gift"))
