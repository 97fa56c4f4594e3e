"""One catalogue of the words for codes: every status and kind that people read, by what it is of.

JSON, CSV and the database hold the codes; tables, cards, screens and files for people show these.
A code that nobody listed is shown as it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from storeops.i18n import N_, _

PLAN = {
    "draft": N_("draft"),
    "planned": N_("planned"),
    "expired": N_("expired"),
    "asked": N_("asked of head office"),
    "approved": N_("approved"),
    "refused": N_("refused by head office"),
    "running": N_("running"),
    "paused": N_("paused"),
    "waiting": N_("waiting for answers"),
    "done": N_("done"),
    "partly": N_("partly done"),
    "failed": N_("failed"),
    "undone": N_("undone"),
    "cancelled": N_("cancelled"),
    "applied": N_("applied"),
}
REQUEST = {
    "asked": N_("waits for approval"),
    "approved": N_("approved"),
    "refused": N_("refused"),
    "withdrawn": N_("taken back"),
}
ROW = {
    "planned": N_("planned"),
    "blocked": N_("blocked"),
    "asked": N_("asked"),
    "queued": N_("queued"),
    "waiting": N_("waiting"),
    "done": N_("done"),
    "refused": N_("refused"),
    "taker_full": N_("taker full"),
    "no_record": N_("no record"),
    "vanished": N_("vanished"),
    "failed": N_("failed"),
    "unknown": N_("unknown"),
    "cancelled": N_("cancelled"),
    "undone": N_("undone"),
}
JOB = {
    "queued": N_("queued"),
    "sending": N_("sending"),
    "unknown": N_("unknown"),
    "waiting": N_("waiting"),
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
    "cancelled": N_("cancelled"),
    "paused": N_("paused"),
}
JOB_EVENT = {
    "queued": N_("queued"),
    "requeued": N_("queued again"),
    "sending": N_("sending"),
    "unknown": N_("unknown"),
    "read_back": N_("read back"),
    "held": N_("held"),
    "waiting": N_("waiting"),
    "succeeded": N_("succeeded"),
    "failed": N_("failed"),
    "cancelled": N_("cancelled"),
}
# lines of the journal
JOURNAL = {
    "plan.made": N_("plan made"),
    "plan.trimmed": N_("rows taken out of a plan"),
    "plan.applied": N_("plan applied"),
    "plan.asked": N_("head office asked"),
    "plan.approved": N_("request approved"),
    "plan.refused": N_("request refused"),
    "plan.withdrawn": N_("request taken back"),
    "hub.takeover": N_("another host of head office leads"),
    "plan.requested": N_("request of a back office"),
    "plan.turned_away": N_("attempt of a back office turned away"),
    "plan.paused": N_("plan paused"),
    "plan.resumed": N_("plan resumed"),
    "plan.retried": N_("rows sent again"),
    "plan.cancelled": N_("plan cancelled"),
    "plan.stale": N_("plan was out of date"),
    "job.cancelled": N_("call cancelled"),
    "call.intent": N_("about to call"),
    "row.answer": N_("answer for a row"),
    "api.intent": N_("about to call raw"),
    "api.answer": N_("answer of a raw call"),
    "message.intent": N_("about to send a message"),
    "message.answer": N_("answer to a message"),
    "audit.erased": N_("person erased"),
    "db.begun": N_("database begun anew"),
    "db.restored": N_("backup restored"),
    "db.pruned": N_("old lines taken out"),
    "journal.loss": N_("lines were lost"),
    "recall.false_alarm": N_("recall was a false alarm"),
    "commission.closed": N_("month closed"),
    "commission.rule": N_("commission rule adopted"),
    "commission.retired": N_("commission rule retired"),
}
HANDOVER = {"on_job": N_("on the job"), "resigned": N_("after leaving")}
SUBJECT = {"customer": N_("customers"), "group": N_("group chats")}
STAFF = {
    "active": N_("active"),
    "left": N_("left"),
    "out_of_scope": N_("out of scope"),
    "missing": N_("missing"),
}
GROUP = {"active": N_("in use"), "missing": N_("missing"), "dissolved": N_("dissolved")}
EVENT = {
    "received": N_("received"),
    "handled": N_("handled"),
    "kept": N_("kept"),
    "failed": N_("failed"),
    "unreadable": N_("unreadable"),
}
# what a callback tells of; a kind of a domain that is not here is shown as WeCom writes it
CHANGE = {
    "change_external_contact/add_external_contact": N_("customer added"),
    "change_external_contact/add_half_external_contact": N_("customer added, not confirmed"),
    "change_external_contact/edit_external_contact": N_("customer changed"),
    "change_external_contact/del_external_contact": N_("deleted by the member"),
    "change_external_contact/del_follow_user": N_("deleted by the customer"),
    "change_external_contact/transfer_fail": N_("handover failed"),
    "change_external_chat/create": N_("group made"),
    "change_external_chat/update": N_("group changed"),
    "change_external_chat/dismiss": N_("group dismissed"),
    "change_external_tag/create": N_("tag made"),
    "change_external_tag/update": N_("tag changed"),
    "change_external_tag/delete": N_("tag deleted"),
    "change_external_tag/shuffle": N_("tags put in another order"),
    "change_contact/create_user": N_("member added"),
    "change_contact/update_user": N_("member changed"),
    "change_contact/delete_user": N_("member left"),
    "change_contact/create_party": N_("department added"),
    "change_contact/update_party": N_("department changed"),
    "change_contact/delete_party": N_("department deleted"),
}
# why an event was only kept, and why a request was refused
EVENT_REASON = {
    "not_listed": N_("WeCom does not list the relation yet"),
    "unknown": N_("a kind that means nothing to the mirror"),
    "incomplete": N_("it does not name what it is about"),
    "elsewhere": N_("about tags of a rule group"),
    "base64": N_("the ciphertext is broken"),
    "cipher": N_("the ciphertext is broken"),
    "padding": N_("encrypted with another key"),
    "length": N_("encrypted with another key"),
    "receiver": N_("meant for another corp"),
    "format": N_("neither XML nor JSON inside"),
    "signature": N_("wrong signature"),
    "malformed": N_("no callback"),
    "too_large": N_("too large"),
    "slow": N_("hung up on, too slow"),
    "full": N_("turned away, nothing free"),
    "not_stored": N_("could not be stored"),
}
# what of a follow, member or shop changed
FIELD = {
    "follow": N_("follow"),
    "status": N_("status"),
    "tag": N_("tags"),
    "remark": N_("remark"),
    "description": N_("description"),
    "mobiles": N_("phones"),
    "state": N_("state"),
    "owner": N_("owner"),
    "store": N_("store"),
    "name": N_("name"),
    "userid": N_("userid changed"),
    "left": N_("left"),
    "customer_contact": N_("customer contact"),
    "deleted_by_customer": N_("deleted by the customer"),
    "deleted_by_member": N_("deleted by the member"),
    "note": N_("note"),
    "tags": N_("tags"),
    "mobile": N_("phones"),
    "remark_mobiles": N_("phones"),
    "remark_company": N_("company"),
    "user": N_("members"),
    "party": N_("departments"),
    "skip_verify": N_("added at once"),
    "is_exclusive": N_("same member every time"),
    "type": N_("type"),
    "scene": N_("kind"),
}
# what a line of the journal says
DETAIL = {
    "rows": N_("rows"),
    "ready": N_("ready"),
    "blocked": N_("blocked"),
    "jobs": N_("calls"),
    "calls": N_("calls"),
    "skipped": N_("left out"),
    "reason": N_("reason"),
    "why": N_("reason"),
    "override": N_("ceilings passed"),
    "errcode": N_("code"),
    "lines": N_("lines"),
    "files": N_("files"),
    "plans": N_("plans"),
    "events": N_("events"),
    "file": N_("file"),
    "path": N_("path"),
    "method": N_("method"),
    "who": N_("person"),
    "hash": N_("hash"),
    "digest": N_("digest"),
    "kind": N_("kind"),
    "title": N_("what"),
    "what": N_("what"),
    "detail": N_("details"),
    "count": N_("count"),
    "cancelled": N_("cancelled"),
    "changed": N_("changed rows"),
    "asked": N_("asked"),
    "params": N_("parameters"),
    "body": N_("content"),
    "sha256": N_("hash"),
    "length": N_("characters"),
    "intent": N_("line before the call"),
    "status": N_("status"),
    "error": N_("error"),
    "subject": N_("about"),
    "before": N_("before"),
    "after": N_("after"),
    "userid": N_("member"),
    "source": N_("source"),
    "job": N_("call"),
    "rule": N_("rule"),
    "rules": N_("rules"),
    "request": N_("request"),
    "shop": N_("store"),
    "by": N_("by"),
    "machine": N_("machine"),
    "altered": N_("altered lines"),
    "altered_plans": N_("altered plans"),
    "last": N_("last line"),
    "head": N_("hash of the last line"),
    "losses": N_("losses"),
    "sealed_count": N_("sealed lines"),
    "sealed_head": N_("sealed hash"),
    "known_count": N_("known lines"),
    "found_count": N_("lines found"),
    "found_head": N_("hash found"),
    "trouble": N_("trouble"),
    "seal": N_("seal"),
    "backup_count": N_("lines in the backup"),
    "unknown_jobs": N_("calls nobody knows about"),
    "held_plans": N_("paused plans"),
    "cancelled_plans": N_("cancelled plans"),
    "month": N_("month"),
    "entries": N_("entries"),
    "share_fen": N_("shares, fen"),
    "pay_fen": N_("pay, fen"),
    "name": N_("name"),
    "version": N_("version"),
    "scheme": N_("scheme"),
    "shares": N_("shares"),
    "since": N_("since"),
    "until": N_("until"),
    "shops": N_("shops"),
    "channels": N_("channels"),
    "categories": N_("categories"),
    "priority": N_("priority"),
    "bind_days": N_("binding days"),
    "within_days": N_("days within"),
    "missing": N_("share of nobody"),
    "rate": N_("rate"),
    "protection_days": N_("days of protection"),
    "protected": N_("protected share"),
    "care": N_("care tasks"),
    "commission_lines": N_("commission lines"),
    "contact_ways": N_("contact ways"),
    "handovers": N_("handovers"),
    "notes": N_("notes"),
    "messages": N_("messages"),
    "orders": N_("orders"),
    "greetings": N_("greetings"),
}
SOURCE = {"sync": N_("sync"), "event": N_("event"), "job": N_("job"), "note": N_("note")}
ALL: Mapping[str, Mapping[str, str]] = {
    "plan": PLAN, "row": ROW, "job": JOB, "job_event": JOB_EVENT, "request": REQUEST,
    "journal": JOURNAL, "handover": HANDOVER, "subject": SUBJECT, "staff": STAFF, "group": GROUP,
    "event": EVENT, "change": CHANGE, "event_reason": EVENT_REASON, "field": FIELD,
    "source": SOURCE, "detail": DETAIL,
}  # fmt: skip


def term(of: str, code: str) -> str:
    """The word for a code in the user's language.

    Args:
        of: what it is a status or kind of, a key of `ALL`.
        code: as stored.
    """
    return _(ALL[of][code]) if code in ALL[of] else code


def counted(of: str, code: str, count: int) -> str:
    """How many there are of a code: `5 refused`, in the order of the user's language."""
    return _("{count} {state}").format(count=f"{count:,}", state=term(of, code))
