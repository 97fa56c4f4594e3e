"""The card of a customer: follows with tags per owner, remarks, groups, notes, timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from storeops.domain import card_sections
from storeops.i18n import _
from storeops.reading.filter_words import GENDERS, STATUSES, TYPES, WAYS
from storeops.times import minute
from tui.cells import shown
from tui.fields import fields, title

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.mirror.timeline import TimelineEntry

TIMELINE = 100  # entries shown


def card(core: App, external_userid: str) -> Content:
    """All that the mirror and the notebook know; phone numbers masked (lane)."""
    from storeops.mirror import timeline
    from storeops.notebook.notes import notes_of
    from storeops.reading.customer_rows import chats_of, customer_id
    from storeops.reading.customers import rows_of

    db = core.data
    key = customer_id(db, external_userid)
    found = rows_of(db).load([key] if key else [])
    if not found:
        return Content(_("This customer is not in the mirror any more."))
    customer = found[0]
    ways = {int(term.value): term.label for term in WAYS}
    statuses = {term.value: term.label for term in STATUSES}
    parts = [
        fields(
            shown(customer["name"]) or _("(no name)"),
            [
                (_("Customer id"), customer["external_userid"]),
                (_("Type"), _label(TYPES, customer["type"])),
                (_("Gender"), _label(GENDERS, customer["gender"]) if customer["gender"] else ""),
                ("unionid", customer["unionid"]),
                (_("Status"), statuses[customer["status"]]),
            ],
        )
    ]
    for follow in customer["follows"]:
        owner = shown(follow["staff_name"] or follow["userid"])
        status = statuses.get(follow["status"], follow["status"])
        head = " · ".join(each for each in (owner, shown(follow["store"]), status) if each)
        parts.append(Content("\n"))
        parts.append(
            fields(
                head,
                [
                    (_("User id"), follow["userid"]),
                    (_("Added"), f"{minute(follow['createtime'])} "
                     f"{ways.get(follow['add_way'], follow['add_way'])}".strip()),
                    (_("Remark"), follow["remark"]),
                    (_("Description"), follow["description"]),
                    (_("Phone"), " ".join(follow["remark_mobiles"])),
                    (_("State"), follow["state"]),
                    (_("Tags"), _tags(follow["tags"])),
                ],
            )
        )  # fmt: skip
    for _name, section in card_sections(db, key or 0, core.clock.now()):
        parts += [Content("\n"), fields(shown(section.title), section.lines)]
    chats = chats_of(db, external_userid)
    if chats:
        parts += [Content("\n"), title(_("Group chats"))]
        parts += [
            Content(f"  {shown(name) or _('(no name)')} · {minute(at)}\n") for name, at in chats
        ]
    notes = notes_of(db, external_userid)
    if notes:
        parts += [Content("\n"), title(_("Notes"))]
        for note in notes:
            parts.append(fields("", [(f"{minute(note.at)} {shown(note.author)}", note.text)]))
    entries = timeline.of_customer(db, external_userid, limit=TIMELINE)
    parts += [Content("\n"), title(_("Timeline"))]
    if not entries:
        parts.append(Content(_("Nothing has changed since it was first read.") + "\n"))
    parts += [_entry(entry.masked()) for entry in entries]
    return Content("").join(parts)


def _label(terms: Sequence[Any], value: int) -> str:
    return next((term.label for term in terms if term.value == str(value)), str(value))


def _tags(tags: list[dict[str, str]]) -> str:
    groups: dict[str, list[str]] = {}
    for tag in tags:
        groups.setdefault(tag["group_name"], []).append(tag["name"])
    return "; ".join(f"{group}: {', '.join(names)}" if group else ", ".join(names)
                     for group, names in groups.items())  # fmt: skip


def _entry(entry: TimelineEntry) -> Content:
    what = {
        "follow": _("follow"), "status": _("status"), "tag": _("tag"), "tags": _("tags"),
        "remark": _("remark"), "description": _("description"), "mobiles": _("phones"),
        "state": _("state"), "owner": _("owner"), "store": _("store"), "name": _("name"),
    }.get(entry.field, shown(entry.field))  # fmt: skip
    sources = {"sync": _("sync"), "event": _("event"), "job": _("job"), "note": _("note")}
    source = sources.get(entry.source, entry.source)
    before, after = _value(entry.before), _value(entry.after)
    change = f"{before} → {after}" if before else after
    who = f" {shown(entry.userid)}" if entry.userid else ""
    return Content.assemble(
        (f"  {minute(entry.at)} ", "$text-muted"), f"{what}{who}: {change} ",
        (f"({source})\n", "$text-muted"),
    )  # fmt: skip


def _value(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, list):
        return shown(", ".join(_value(each) for each in value))
    if isinstance(value, dict):
        return shown(", ".join(str(each) for each in value.values() if each))
    return shown(str(value))
