"""The card of a customer: follows with tags per owner, remarks, groups, notes, timeline."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from textual.content import Content

from storeops.domain import card_sections
from storeops.i18n import _, aside, labelled
from storeops.reading.filter_words import GENDERS, STATUSES, TYPES, WAYS
from storeops.terms import term
from storeops.times import minute
from tui.cells import chip, shown
from tui.fields import fields, title
from tui.names import NameLookup

if TYPE_CHECKING:
    from storeops.app import App
    from storeops.mirror.timeline import TimelineEntry

TIMELINE = 100  # entries shown


def card(core: App, external_userid: str) -> Content:
    """All that the mirror and the notebook know; phone numbers masked (background)."""
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
    words = NameLookup(db)
    ways = {int(term.value): term.label for term in WAYS}
    statuses = {term.value: term.label for term in STATUSES}
    follows = customer["follows"]
    head = [
        (_("Remark"), " / ".join(dict.fromkeys(filter(None, (f["remark"] for f in follows))))),
        (_("Phone"), " ".join(dict.fromkeys(p for f in follows for p in f["remark_mobiles"]))),
        (_("Owner"), _(", ").join(f["staff_name"] or f["userid"] for f in follows)),
        (_("Status"), statuses[customer["status"]]),
        (_("Gender"), _label(GENDERS, customer["gender"]) if customer["gender"] else ""),
    ]
    parts = [fields(shown(customer["name"]) or _("(no name)"), head)]
    for follow in follows:
        owner = shown(follow["staff_name"] or follow["userid"])
        status = statuses.get(follow["status"], follow["status"])
        head_line = " · ".join(each for each in (owner, shown(follow["store"]), status) if each)
        parts += [Content("\n"), title(head_line), _tags(follow["tags"])]
        parts.append(
            fields(
                "",
                [
                    (_("Added"), f"{minute(follow['createtime'])} "
                     f"{ways.get(follow['add_way'], follow['add_way'])}".strip()),
                    (_("Remark"), follow["remark"] if len(follows) > 1 else ""),
                    (_("Description"), follow["description"]),
                    (_("Phone"), " ".join(follow["remark_mobiles"]) if len(follows) > 1 else ""),
                    (_("Channel"), follow["state"]),
                ],
            )
        )  # fmt: skip
    for _name, section in card_sections(db, key or 0, core.clock.now()):
        if section.lines:
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
            name = f"{minute(note.at)} {shown(note.author)}".strip()
            parts.append(fields("", [(name, note.text)]))
    entries = timeline.of_customer(db, external_userid, limit=TIMELINE)
    parts += [Content("\n"), title(_("Timeline"))]
    if not entries:
        parts.append(Content(_("Nothing has changed since it was first read.") + "\n"))
    parts += [_entry(entry.masked(), words) for entry in entries]
    technical = [
        (_("Customer id"), customer["external_userid"]),
        ("unionid", customer["unionid"]),
        (_("Type"), _label(TYPES, customer["type"])),
        *((_("User id of {name}").format(name=shown(f["staff_name"] or f["userid"])), f["userid"])
          for f in follows),
    ]  # fmt: skip
    parts += [Content("\n"), fields(_("Technical"), technical)]
    return Content("").join(parts)


def _label(terms: Sequence[Any], value: int) -> str:
    return next((term.label for term in terms if term.value == str(value)), str(value))


def _tags(tags: list[dict[str, str]]) -> Content:
    """A line a group, every tag in the colour of its group."""
    groups: dict[str, list[str]] = {}
    for tag in tags:
        groups.setdefault(tag["group_name"], []).append(tag["name"])
    parts = []
    for group, names in groups.items():
        label = labelled(shown(group), "") if group else ""
        text = " ".join(map(shown, names))
        parts.append(Content.assemble((label, "$text-muted"), (text + "\n", f"${chip(group)}")))
    return Content("").join(parts)


def _entry(entry: TimelineEntry, words: NameLookup) -> Content:
    what, source = shown(term("field", entry.field)), term("source", entry.source)
    parts: list[tuple[str, str]] = [(f"  {minute(entry.at)} ", "$text-muted"), (what, "")]
    if entry.userid:
        parts.append((f" {shown(words.member(entry.userid))}", ""))
    parts += [
        (labelled("", ""), ""),
        *_change(entry, words),
        (aside("", source) + "\n", "$text-muted"),
    ]
    return Content.assemble(*parts)


def _change(entry: TimelineEntry, words: NameLookup) -> list[tuple[str, str]]:
    """What was and what is, as (text, style): what came is green, what went is red."""
    if entry.field == "follow" and isinstance(entry.after, dict):
        at = entry.after.get("createtime")
        return [(_("added {time}").format(time=minute(at)) if at else _("added"), "$text-success")]
    before, after = (words.value(entry.field, each) for each in (entry.before, entry.after))
    if isinstance(before or [], list) and isinstance(after or [], list):
        old, new = [*map(str, before or ())], [*map(str, after or ())]
        parts = [(f"+{shown(each)} ", "$text-success") for each in new if each not in old]
        parts += [(f"−{shown(each)} ", "$text-error") for each in old if each not in new]
        return parts or [(_value(after), "")]
    if before is None:
        return [(_value(after), "$text-success")]
    return [(_value(before), "$text-error"), (" → ", ""), (_value(after), "$text-success")]


def _value(value: Any) -> str:
    """A value as text."""
    if value is None:
        return "–"
    if isinstance(value, list):
        return shown(_(", ").join(_value(each) for each in value))
    if isinstance(value, dict):
        return shown(_(", ").join(str(each) for each in value.values() if each))
    return shown(str(value))
