"""What a back office's card of a customer says of other shops: how many follow, never who."""

from __future__ import annotations

from typing import Any

from storeops.domain import CardSection
from storeops.i18n import _, ngettext


def elsewhere(db: Any, customer: int, _now: float) -> CardSection | None:
    """How many follows other shops have of a customer; None where none are known of."""
    row = db.execute(
        "SELECT follows FROM hub_elsewhere WHERE customer_id = ?", (customer,)
    ).fetchone()
    if row is None:
        return None
    text = ngettext("{count} follow", "{count} follows", row[0]).format(count=row[0])
    return CardSection(_("Elsewhere"), ((_("Other shops"), text),), {"follows": row[0]})
