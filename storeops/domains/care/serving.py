"""How to serve a customer, in at most five lines: worth, bought last, due, last service, and what
to take care of. Facts alone; nothing is inferred from them."""

from __future__ import annotations

import json

from storeops import times
from storeops.database.database import Database
from storeops.domain import CardSection
from storeops.domains.care import matters
from storeops.domains.care.rules import sentence
from storeops.domains.orders import facts, sold
from storeops.i18n import _
from storeops.mirror import members


def how_to_serve(db: Database, customer: int, now: float) -> list[tuple[str, str]]:
    """(name, text) in the user's language; names, notes and complaints are people's own words.

    Args:
        db: data.db.
        customer: customer.id.
        now: WeCom's time, Unix seconds.
    """
    lines = facts.in_words(db, customer, now)
    service = _last_service(db, customer, int(now))
    if service:
        lines.append((_("Service"), service))
    avoid = matters.to_avoid(db, customer, now)
    if avoid:
        lines.append((_("Take care"), _("; ").join(avoid)))
    return lines


def _last_service(db: Database, customer: int, now: int) -> str:
    """Who served at the till last, and what was done last; the newer one."""
    served = sold.last_service(db, customer, now + 1, 0)
    done = db.execute(
        "SELECT ended_at, userid, kind, facts, note FROM care_task WHERE customer_id = ?"
        " AND status = 'done' ORDER BY ended_at DESC, id DESC LIMIT 1",
        (customer,),
    ).fetchone()
    if done is not None and (served is None or done[0] >= served[1]):
        at, userid, kind, about, note = done
        known = json.loads(about)
        what = sentence(kind, known.get("text", ""), known)
        text = _("{day} {guide}: {what}").format(
            day=times.day(at), guide=_name(db, userid), what=what
        )
        return f"{text} – {note}" if note else text
    if served is None:
        return ""
    return _("{day} {guide}").format(day=times.day(served[1]), guide=_name(db, served[0]))


def _name(db: Database, word: str) -> str:
    """How a member is called; the word itself where it is a name already."""
    member = members.by_userids(db, [word]).get(word.lower())
    return (member.name if member is not None else "") or word


def card(db: Database, customer: int, now: float) -> CardSection | None:
    """The section of the card."""
    lines = how_to_serve(db, customer, now)
    return CardSection(_("How to serve"), lines) if lines else None
