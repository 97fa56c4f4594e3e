"""Contact ways as changes: made, changed, deleted, one call a row (doc 92228).

`extra["op"]` is add, update or delete. A way's config_id is told once, in the answer to its
making: when that answer is lost, the way is looked for by all that was asked for.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storeops.changes.action import (
    DONE,
    FAILED,
    QUEUED,
    READY,
    VANISHED,
    Call,
    Row,
    RowResult,
    Verdict,
    View,
    blocked,
)
from storeops.changes.erased_text import is_rest_of
from storeops.changes.problems import Problem
from storeops.database.database import Database
from storeops.domains.contact_way import facts
from storeops.domains.contact_way.ways import People
from storeops.errors import StoreOpsError
from storeops.i18n import N_, _, kept
from storeops.plain import plain, seen_whole
from storeops.wecom.errcodes import ErrorCondition, code_of, condition_of

KIND = "contact_way"
ADD, UPDATE, DELETE = "add", "update", "delete"
TEXT_MAX, REACH_MAX, MOST = 30, 100, 500_000  # doc 92228
SINGLE = 1
_BACK_S = 3600  # a lost making is looked for among ways made since an hour before its plan


class ContactWayAction:
    """Make, change and delete contact ways."""

    name = KIND
    title = N_("contact ways")
    path = "externalcontact/add_contact_way"

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """The values of each row's `before` as they are now; {} of a way that is gone."""
        known = _known(view.db, rows)
        return [
            {key: known[way][key] for key in row.before} if (way := _id(row)) in known else {}
            for row in rows
        ]

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """Lengths, members, room; and whether the way is there."""
        return Checks(view.db, rows).verdicts(rows)

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """One call a row."""
        return [(row,) for row in rows]

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """Calls about one way keep their order."""
        row = rows[0]
        payload = {**row.extra, "fields": dict(row.after), "before": dict(row.before)}
        return Call(rows, payload, (f"contact_way:{row.key}",))

    def send(self, client: Any, call: Call) -> Any:
        """Do it; of a new way, its id and the address of its picture."""
        from storeops.wecom import contact_ways

        what = call.payload
        if what["op"] == ADD:
            return contact_ways.add(client, what["fields"])
        if what["op"] == UPDATE:
            now = contact_ways.get(client, what["config_id"])
            if (reason := _not_as_planned(now, what)) is not None:
                return reason
            kept = _kept(now, what)
            contact_ways.update(client, what["config_id"], {**kept, **what["fields"]})
            return kept
        return contact_ways.delete(client, what["config_id"])

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowResult]:
        """Done, gone meanwhile, or a refusal in words."""
        row = call.rows[0]
        if isinstance(answer, NotAsPlanned):
            return [RowResult(row.row, FAILED, None, answer.reason, answer.way_out)]
        if error is None:
            if row.extra["op"] == ADD:
                return [_made(row, answer)]
            return [RowResult(row.row, DONE, 0, extra={"kept": answer} if answer else None)]
        if condition_of(error.errcode) is ErrorCondition.WAY_GONE:
            status = DONE if row.extra["op"] == DELETE and call.ambiguous_sends else VANISHED
            return [RowResult(row.row, status, error.errcode)]
        meaning, step = ("", "") if error.errcode is not None else error.to_keep
        return [RowResult(row.row, FAILED, error.errcode, meaning, step, error.retryable)]

    def read_back(self, client: Any, call: Call) -> list[RowResult]:
        """Look whether the way is as asked for."""
        from storeops.wecom import contact_ways
        from storeops.wecom.errors import has_condition

        row, what = call.rows[0], call.payload
        if what["op"] == ADD:
            made = _find(client, what)
            return [RowResult(row.row, QUEUED) if made is None else _made(row, made)]
        try:
            found = contact_ways.get(client, what["config_id"])
        except StoreOpsError as error:
            if not has_condition(error, ErrorCondition.WAY_GONE):
                raise
            if what["op"] == DELETE:
                return [RowResult(row.row, DONE, 0)]
            return [RowResult(row.row, VANISHED, code_of(ErrorCondition.WAY_GONE))]
        if what["op"] == UPDATE and _same(found, what["fields"]):
            return [RowResult(row.row, DONE, extra={"kept": _kept(found, what)})]
        return [RowResult(row.row, QUEUED)]

    def facts(
        self, db: Database, answered: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """What was made, changed or found deleted."""
        for row, answer in answered:
            what = row.extra
            deleted = what["op"] == DELETE and answer.status == DONE
            if deleted or (answer.status == VANISHED and what["op"] != ADD):
                facts.gone(db.connection, what["config_id"], now)
            elif answer.status == DONE:
                told = answer.extra or {}
                values = {**told.get("kept", {}), **row.after}
                if told.get("qr_code"):
                    values["qr_code"] = told["qr_code"]
                config_id = told.get("config_id") or what["config_id"]
                facts.write(db.connection, config_id, values, now, what.get("mark", ""))

    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """Delete what was made, put changes back; a deleted code is dead for ever."""
        inverse: list[Row] = []
        known = _known(view.db, rows)
        for row in reversed(rows):
            what = {**row.extra, "undoes": row.row}
            number = len(inverse) + 1
            if what["op"] == ADD:
                config_id, values = _by_mark(view.db, what.get("mark", ""))
                what |= {"op": DELETE, "config_id": config_id}
                if values and _whole(values) != _whole(row.after):
                    what["changed"] = True
                inverse.append(Row(number, subject=config_id or row.key, before=values, extra=what))
            elif what["op"] == UPDATE:
                now = known.get(_id(row), {})
                if any(now.get(key) != value for key, value in row.after.items()):
                    what["changed"] = bool(now)
                before = {key: now[key] for key in row.before if key in now}
                back = dict(row.before)
                inverse.append(Row(number, subject=row.key, before=before, after=back, extra=what))
            else:
                inverse.append(Row(number, subject=row.key, extra={**what, "op": "restore"}))
        return self.name, list(zip(inverse, self.check(view, inverse), strict=True))

    def undo_problems(self, view: View, rows: Sequence[Row]) -> list[Problem]:
        """What the deletion of codes that were made costs."""
        from storeops.domains.contact_way.planner import loss
        from storeops.domains.contact_way.ways import listed

        made = {_id(row) for row in rows if row.extra["op"] == DELETE}
        ways = [each for each in listed(view.db, view.now) if each.config_id in made]
        return [loss(ways)] if ways else []


class Checks:
    """Verdicts from the mirror.

    Args:
        db: data.db.
        rows: the rows that will be asked about.
    """

    def __init__(self, db: Database, rows: Sequence[Row]) -> None:
        self._people = People(db)
        self._known = _known(db, rows)
        self._twins = _twins(db, [dict(row.after) for row in rows if row.extra["op"] == ADD])
        self._room = MOST - int(
            db.execute("SELECT count(*) FROM contact_way WHERE gone_at IS NULL").fetchone()[0]
        )
        self._asked: dict[str, int] = {}
        self._people.know(userid for row in rows for userid in row.after.get("user", ()))

    def verdicts(self, rows: Sequence[Row]) -> list[Verdict]:
        """One for each row."""
        return [self._verdict(row) for row in rows]

    def _verdict(self, row: Row) -> Verdict:
        op = row.extra["op"]
        if op == "restore":
            return blocked(
                "deleted",
                _("A deleted contact way cannot be put back: its code leads nowhere for ever."),
                way_out=_("Make a new one, and print its code: storeops contact-way plan add"),
            )
        if op == ADD:
            if self._room <= 0:
                return blocked(
                    "full", _("The corp has as many contact ways as WeCom allows."), errcode=41045,
                    way_out=_("Delete contact ways that nobody uses."),
                )  # fmt: skip
            self._room -= 1
            whole = _whole(row.after)
            if whole in self._asked:
                return blocked(
                    "same_row", _("Row {row} asks for just the same.").format(
                        row=self._asked[whole]
                    ),
                    way_out=_("Give each contact way a state of its own."),
                )  # fmt: skip
            self._asked[whole] = row.row
            twin = self._twins.get(whole)
            if twin:
                return blocked(
                    "exists", _("The contact way {id} is just the same.").format(id=twin),
                    way_out=_("Use it: storeops contact-way show {id}").format(id=twin),
                )  # fmt: skip
            return self._fields({**_DEFAULTS, **row.after}, row.after)
        before = self._known.get(_id(row))
        if before is None:
            return blocked(
                "unknown_way",
                _("The contact way {name} is not there (any more).").format(
                    name=row.extra.get("label", "")
                ),
                errcode=41044,
                way_out=_("Sync the contact ways and choose a present one."),
            )
        if row.extra.get("changed"):
            return blocked(
                "changed",
                _("Somebody has changed {name} since.").format(name=row.extra.get("label", "")),
                way_out=_("Look at it: storeops contact-way show {id}").format(id=_id(row)),
            )
        if op == DELETE:
            return READY
        kept = [] if "user" in row.after else before["user"]  # an update sends them again
        for userid in kept:
            if not self._people.fit(userid):
                return self._unfit(
                    userid,
                    _("WeCom takes no change of a code that names them: storeops contact-way plan"
                      " replace {userid} --by STAFF").format(userid=self._typed(before["user"])),
                )  # fmt: skip
        undoes = "undoes" in row.extra  # what was there is put back as it was, seen or not
        return self._fields({**before, **row.after}, row.after, before["user"], hidden=undoes)

    def _fields(
        self, way: Mapping[str, Any], asked: Mapping[str, Any], before: Sequence[str] = (),
        *, hidden: bool = False,
    ) -> Verdict:  # fmt: skip
        for key in ("remark", "state"):
            if key in asked and not hidden and not seen_whole(way[key]):
                return blocked(
                    "hidden",
                    _("{field} “{text}” holds a hidden character or a blank at an end.").format(
                        field=key, text=plain(way[key])
                    ),
                    way_out=_("Write it with what can be seen alone."),
                )
            if len(way[key]) > TEXT_MAX:
                return blocked(
                    "too_long",
                    _("{field} “{text}” has {count} characters; {limit} are allowed.").format(
                        field=key, text=plain(way[key]), count=len(way[key]), limit=TEXT_MAX
                    ),
                    errcode=40058,
                    way_out=_("Make it shorter."),
                )
        if not {"user", "party"} & set(asked):
            return READY
        return self._who(way, asked, before)

    def _who(
        self, way: Mapping[str, Any], asked: Mapping[str, Any], before: Sequence[str]
    ) -> Verdict:
        users, parties = way["user"], way["party"]
        if not users and not parties:
            return blocked(
                "nobody", _("A contact way needs members or departments."), errcode=40058,
                way_out=_("Name at least one."),
            )  # fmt: skip
        if way["type"] == SINGLE and (len(users) != 1 or parties):
            return blocked(
                "single", _("A contact way of type 1 has exactly one member."), errcode=40058,
                way_out=_("Type 2 takes several; WeCom cannot change the type of a way."),
            )  # fmt: skip
        for userid in asked.get("user", ()):
            if not self._people.fit(userid):
                kept = userid.lower() in map(str.lower, before)
                return self._unfit(
                    userid,
                    _("Name them together: storeops contact-way plan replace {userid}").format(
                        userid=self._typed(before)
                    )
                    if kept
                    else "",
                )
        for party in asked.get("party", ()):
            if party not in self._people.departments:
                return blocked(
                    "unknown_department",
                    _("The mirror knows no department {id}.").format(id=party), errcode=60123,
                )  # fmt: skip
        reach = len(self._people.reached(users, parties))
        if reach > REACH_MAX:
            return blocked(
                "too_many",
                _("It would reach {several} members; {limit} are allowed.").format(
                    several=reach, limit=REACH_MAX
                ),
                errcode=41041,
                way_out=_("Name fewer members or smaller departments."),
            )
        return READY

    def _typed(self, users: Sequence[str]) -> str:
        """All of a code who cannot be added, for a command line: one alone would be refused."""
        return shlex.join(plain(each) for each in users if not self._people.fit(each))

    def _unfit(self, userid: str, way_out: str = "") -> Verdict:
        member = self._people.member(userid)
        name = member.label if member else plain(userid)
        way_out = way_out or _("Choose an active member with customer contact: storeops staff list")
        if member is None:
            reason = _("The mirror knows no member {name}.").format(name=name)
        elif member.left:
            reason = _("{name} has left.").format(name=name)
        elif member.status != "active":
            reason = _("{name} is outside the app's scope.").format(name=name)
            return blocked("unfit", reason, errcode=60011, way_out=way_out)
        else:
            reason = _("{name} has no customer contact.").format(name=name)
            return blocked("unfit", reason, errcode=41054, way_out=way_out)
        return blocked("unfit", reason, errcode=60111, way_out=way_out)


@dataclass(frozen=True, slots=True)
class NotAsPlanned:
    """Why an update was not sent: kept texts, worded when they are shown."""

    reason: str
    way_out: str


def _not_as_planned(now: Any, what: Mapping[str, Any]) -> NotAsPlanned | None:
    """What speaks against an update, from the way as WeCom shows it right before."""
    unread = set(now.unread) & {*_kept(now, what), *what["before"]}
    if unread:
        return NotAsPlanned(
            kept(
                N_("WeCom's answer on {fields} was not understood; nothing was sent."),
                fields=sorted(unread),
            ),
            kept(N_("Look at it: storeops contact-way show {id}"), id=now.config_id),
        )
    renamed = what.get("renamed", {})
    values = {key: getattr(now, key) for key in what["before"]}
    changed = [
        key
        for key, value in what["before"].items()
        if _alike(values[key], renamed)
        not in (_alike(value, renamed), _alike(what["fields"].get(key), renamed))
        # WeCom still holds what was erased here: it must be possible to take it out there
        and not (isinstance(value, str) and is_rest_of(value, values[key]))
    ]
    if not changed:
        return None
    return NotAsPlanned(
        kept(
            N_("Somebody has changed it since, in WeCom: {fields}; nothing was sent."),
            fields=changed,
        ),
        kept(N_("Read it anew and plan again: storeops sync run --full --scope contact_ways")),
    )


def _alike(value: Any, renamed: Mapping[str, str]) -> Any:
    """A value to be compared: userids as they are now, in no order, whatever their case."""
    if not isinstance(value, (list, tuple)):
        return value
    return sorted(renamed.get(text := str(each).lower(), text).lower() for each in value)


def _kept(now: Any, what: Mapping[str, Any]) -> dict[str, Any]:
    """What WeCom overwrites with nothing when an update does not tell it (doc 92228)."""
    renamed = what.get("renamed", {})
    kept = {
        "remark": now.remark,
        "user": [renamed.get(each.lower(), each) for each in now.user],
        "party": list(now.party),
    }
    return {key: value for key, value in kept.items() if key not in what["fields"]}


_DEFAULTS: dict[str, Any] = {"remark": "", "state": "", "user": [], "party": [], "type": 2}


def _id(row: Row) -> str:
    return str(row.extra.get("config_id", ""))


def _known(db: Database, rows: Sequence[Row]) -> dict[str, dict[str, Any]]:
    """config_id → values, of those ways of the rows that are there."""
    asked = json.dumps(sorted({_id(row) for row in rows}))
    return {
        each["config_id"]: facts.values_of(each)
        for each in db.rows(
            "SELECT * FROM contact_way WHERE gone_at IS NULL"
            " AND config_id IN (SELECT value FROM json_each(?))",
            (asked,),
        )
    }


def _by_mark(db: Database, mark: str) -> tuple[str, dict[str, Any]]:
    """(config_id, values) of the way that a row of a plan made; ("", {}) when it is unknown."""
    for each in db.rows("SELECT * FROM contact_way WHERE mark = ? AND mark <> ''", (mark,)):
        values = facts.values_of(each)
        return str(each["config_id"]), {key: values[key] for key in facts.ASKED}
    return "", {}


def _whole(fields: Mapping[str, Any]) -> str:
    """All that tells two ways apart, to be compared."""
    values = {**_DEFAULTS, "skip_verify": True, "is_exclusive": False, **fields}
    values |= {"user": sorted(map(str.lower, values["user"])), "party": sorted(values["party"])}
    return json.dumps([values.get(key) for key in facts.ASKED], ensure_ascii=False)


def _twins(db: Database, asked: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """What a way to be made asks for → config_id of one that is just so."""
    wanted = set(map(_whole, asked))
    found: dict[str, str] = {}
    for state in {str(each.get("state", "")) for each in asked}:
        for each in db.rows(
            "SELECT * FROM contact_way WHERE state = ? AND gone_at IS NULL", (state,)
        ):
            key = _whole(facts.values_of(each))
            if key in wanted:
                found.setdefault(key, each["config_id"])
    return found


def _made(row: Row, answer: Any) -> RowResult:
    told = {"config_id": answer.config_id, "qr_code": answer.qr_code}
    return RowResult(row.row, DONE, 0, extra=told)


def _same(way: Any, fields: Mapping[str, Any]) -> bool:
    """Whether what is asked for is so; userids ignore case."""
    return _whole({key: getattr(way, key) for key in fields}) == _whole(fields)


def _just(way: Any, fields: Mapping[str, Any]) -> bool:
    """Whether a way is as one would be that was made so: what was not asked for is empty."""
    return _whole({key: getattr(way, key) for key in facts.ASKED}) == _whole(fields)


def _find(client: Any, what: Mapping[str, Any]) -> Any:
    """The way whose making was not answered; None when there is none."""
    from storeops.wecom import contact_ways

    start = int(what["planned_at"]) - _BACK_S
    for page in contact_ways.iter_pages(client, start):
        for row in page.contact_way:
            if row.config_id in what.get("known", ()):
                continue
            way = contact_ways.get(client, row.config_id)
            if _just(way, what["fields"]):
                return way
    return None
