"""The farewell that customers read when they are handed over on the job."""

from __future__ import annotations

from collections.abc import Sequence
from string import Formatter

from storeops.changes.action import Row
from storeops.database.database import Database
from storeops.domains.handover import rules
from storeops.domains.handover.subjects import Subject
from storeops.errors import UsageError
from storeops.i18n import _
from storeops.mirror import members
from storeops.mirror.members import Member
from storeops.reading.directory import department_names

PLACEHOLDERS = ("from", "to", "store")


def messages(
    db: Database, text: str, subjects: Sequence[Subject], rows: Sequence[Row]
) -> dict[str, str]:
    """The farewell of each pair on the job ("giver>taker"), filled in.

    Args:
        db: data.db.
        text: with placeholders; "" sends WeCom's own and gives {}.
        subjects: what is to move.
        rows: the plan's rows.

    Raises:
        UsageError: nobody is in service, an unknown placeholder, or too long once filled in.
    """
    if not text:
        return {}
    _check(text)
    people = {each.from_owner.userid: each.from_owner for each in subjects}
    if all(each.kind == rules.RESIGNED for each in subjects):
        raise UsageError(
            _("A handover after leaving carries no farewell: WeCom has no place for it."),
            hint=_("Leave out --message."),
        )
    filled: dict[str, str] = {}
    for row in rows:
        to_owner = str(row.extra["to"])
        key = f"{row.userid}>{to_owner}"
        if key in filled or not to_owner or row.extra["kind"] != rules.ON_JOB:
            continue
        if row.extra["what"] != rules.CUSTOMER:
            continue
        member = members.by_userids(db, [to_owner]).get(to_owner.lower())
        filled[key] = _filled(db, text, people[row.userid], member)
    return filled


def _check(text: str) -> None:
    """Refuse what is no plain placeholder: `{name}`, `{from!r}`, `{to:>9}`, a single brace.

    Raises:
        UsageError: says which placeholders there are.
    """
    try:
        parts = [part for part in Formatter().parse(text) if part[1] is not None]
    except ValueError:
        parts = [("", "", "", None)]
    if any(name not in PLACEHOLDERS or spec or turned for _text, name, spec, turned in parts):
        raise UsageError(
            _("The farewell has a placeholder that is not known."),
            hint=_("Known: {from}, {to}, {store}. Braces themselves are written {{ and }}."),
        )


def _filled(db: Database, text: str, from_owner: Member, to_owner: Member | None) -> str:
    """The farewell with its placeholders filled in.

    Raises:
        UsageError: too long once filled.
    """
    values = {
        "from": from_owner.name or from_owner.userid,
        "to": (to_owner.name or to_owner.userid) if to_owner else "",
        "store": department_names(db).get(to_owner.store_id, "") if to_owner else "",
    }
    message = text.format_map(values)
    if len(message) > rules.MESSAGE_CHARACTERS:
        raise UsageError(
            _("The farewell is {count} characters long; 200 are allowed.").format(
                count=len(message)
            ),
            hint=_("Shorten it; names count too once they are filled in."),
        )
    return message
