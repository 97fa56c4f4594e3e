"""Read a part of WeCom back, or all of it, and compare it with the mirror. Writes nothing."""

from __future__ import annotations

import json
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from storeops.database.database import Database
from storeops.errors import StoreOpsError
from storeops.mirror.kept import kept
from storeops.sync import refusals
from storeops.sync.members import MemberToRead, group, halves
from storeops.sync.results import Failure
from storeops.sync.session import Ports, read_many
from storeops.wecom.errcodes import ErrorCondition
from storeops.wecom.errors import has_condition
from storeops.wecom.failures import lost_row
from storeops.wecom.oddities import LostRow, collecting_lost

if TYPE_CHECKING:
    from storeops.wecom.customers import FollowRow

_HIDDEN = "…"  # phone numbers are compared, never told


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that differs.

    Attributes:
        userid: the member; "" for the library of tags and the tree of departments.
        external_userid: the customer; "" as above.
        field: follow | name | remark | … ; "tag ID", "department ID", "customer_contact".
        mirror: what the mirror has; None when nothing.
        wecom: what WeCom says; None when nothing.
    """

    userid: str
    external_userid: str
    field: str
    mirror: Any
    wecom: Any

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return asdict(self)


@dataclass(slots=True)
class VerifyResult:
    """What was compared, and what differs."""

    members: int = 0
    rows: int = 0
    differences: list[Difference] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)

    def take(
        self, found: Iterable[Difference], lost: Sequence[LostRow], name: str, subject: str
    ) -> None:
        """Differences of a list, without those that rows which cannot be read would explain.

        Args:
            found: the differences.
            lost: rows that cannot be read; they are named as failures.
            name: the field of a row's id.
            subject: how a difference names such a row.
        """
        self.failures += [Failure(row.name, None, lost_row(row).message) for row in lost]
        unread = {subject.format(row.ids[name]) for row in lost if name in row.ids}
        nameless = any(name not in row.ids for row in lost)
        self.differences += [
            each
            for each in found
            if not (each.wecom is None or each.wecom is False)
            or not (nameless or (each.external_userid or each.field) in unread)
        ]

    def as_dict(self) -> dict[str, Any]:
        """As in `--json`."""
        return {
            "members": self.members,
            "rows": self.rows,
            "equal": not self.differences and not self.failures,
            "differences": [each.as_dict() for each in self.differences],
            "failures": [each.as_dict() for each in self.failures],
        }


def verify_sync(
    ports: Ports,
    *,
    sample: int | None = 20,
    seed: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    stop: threading.Event | None = None,
) -> VerifyResult:
    """Compare the mirror with WeCom.

    Members are drawn at random; of each all customers are read back. Departments, tags and the
    list of members with customer contact are compared as a whole. What changed at WeCom since the
    last sync differs, too: sync first.

    Args:
        ports: databases, client and clock.
        sample: how many members; None for all.
        seed: makes the draw repeatable.
        on_progress: told (members compared, members in all).
        stop: when set, ends between two calls.

    Raises:
        StoppedError: somebody asked to stop.
        WeComError, NetworkError: a list that everything needs could not be read.
    """
    from storeops.wecom import contacts, customers, tags

    db, client = ports.data, ports.client
    result = VerifyResult()
    with collecting_lost() as lost:
        departments = contacts.list_departments(client)
    result.take(_departments(db, departments), lost, "id", "department {}")
    with collecting_lost() as lost:
        library = tags.list_corp_tags(client)
    result.take(_tags(db, library), lost, "id", "tag {}")
    with collecting_lost() as lost:
        listed = customers.list_follow_users(client)
    result.take(_follow_users(db, listed), lost, "", "")
    known = dict(
        db.execute(
            "SELECT s.userid, count(f.id) FROM staff AS s LEFT JOIN follow AS f"
            " ON f.staff_id = s.id WHERE s.is_follow_user = 1 GROUP BY s.id"
        ).fetchall()
    )
    chosen = sorted(known)
    if sample is not None and sample < len(chosen):
        chosen = random.Random(seed).sample(chosen, sample)
    jobs = [users for users, _rows in group([MemberToRead(each, known[each]) for each in chosen])]
    total, stop = len(chosen), stop or client.stop or threading.Event()

    def read(users: list[str]) -> tuple[list[FollowRow], list[LostRow]]:
        try:
            with collecting_lost() as lost:
                return list(customers.iter_by_user(client, users)), lost
        except StoreOpsError as error:
            if has_condition(error, ErrorCondition.NO_RELATION) and len(users) == 1:
                return [], []
            raise

    while jobs:
        again: list[list[str]] = []
        for users, found, error in read_many(jobs, read, stop):
            if found is not None:
                rows, lost = found
                result.members += len(users)
                result.rows += len(rows)
                result.take(_follows(db, users, rows), lost, "external_userid", "{}")
            elif error is not None and len(users) > 1 and not refusals.ends_scope(error):
                again += halves(users)
            elif error is not None:
                result.failures += [Failure(each, error.errcode, error.message) for each in users]
            if on_progress is not None:
                on_progress(result.members + len(result.failures), total)
        jobs = again
    return result


def _departments(db: Database, listed: Iterable[Any]) -> list[Difference]:
    mirror = {
        f"department {row[0]}": list(row[1:])
        for row in db.execute(
            "SELECT id, name, parentid, ord FROM department WHERE status = 'active'"
        )
    }
    wecom = {}
    for each in listed:
        subject, values = f"department {each.id}", [each.name, each.parentid, each.order]
        stored = mirror.get(subject, values)
        wecom[subject] = list(kept(("name", "parentid", "order"), values, stored, each.unread))
    return _compare("", "", mirror, wecom)


def _tags(db: Database, library: Iterable[Any]) -> list[Difference]:
    mirror = {
        f"tag {row[0]}": list(row[1:])
        for row in db.execute(
            "SELECT t.tag_id, g.name, t.name FROM tag AS t JOIN tag_group AS g ON g.id = t.group_id"
            " WHERE t.deleted_at IS NULL"
        )
    }
    wecom = {}
    pairs = [(shelf, tag) for shelf in library for tag in shelf.tag]
    for shelf, tag in pairs:
        subject, values = f"tag {tag.id}", [shelf.group_name, tag.name]
        stored, unread = mirror.get(subject, values), {*shelf.unread, *tag.unread}
        wecom[subject] = list(kept(("group_name", "name"), values, stored, unread))
    return _compare("", "", mirror, wecom)


def _follow_users(db: Database, listed: Iterable[str]) -> list[Difference]:
    wecom = {each.lower(): each for each in listed}
    mirror = {
        row[0].lower(): row[0]
        for row in db.execute("SELECT userid FROM staff WHERE is_follow_user = 1")
    }
    return [
        Difference(
            mirror.get(each) or wecom[each], "", "customer_contact", each in mirror, each in wecom
        )
        for each in sorted(mirror.keys() ^ wecom.keys())
    ]


def _follows(db: Database, users: Sequence[str], rows: Iterable[FollowRow]) -> list[Difference]:
    wecom = {
        (row.follow_info.userid.lower(), row.external_contact.external_userid): row for row in rows
    }
    found: list[Difference] = []
    for userid in users:
        for follow, external, *values in db.execute(
            "SELECT f.id, c.external_userid, f.status, c.name, f.remark, f.description,"
            " f.createtime, f.remark_corp_name, f.mobiles, f.add_way, f.oper_userid, f.state"
            " FROM staff AS s JOIN follow AS f ON f.staff_id = s.id"
            " JOIN customer AS c ON c.id = f.customer_id WHERE s.userid = ?",
            (userid,),
        ).fetchall():
            row = wecom.pop((userid.lower(), external), None)
            status, *mine = values
            if row is None:
                if status == "active":
                    found.append(Difference(userid, external, "follow", status, None))
                continue
            if status != "active":
                found.append(Difference(userid, external, "follow", status, "active"))
            mirror = dict(zip(_NAMES, mine, strict=True))
            mirror["remark_mobiles"] = json.loads(mirror["remark_mobiles"])
            mirror["tag_id"] = sorted(
                each[0]
                for each in db.execute(
                    "SELECT t.tag_id FROM follow_tag AS x JOIN tag AS t ON t.id = x.tag_id"
                    " WHERE x.follow_id = ?",
                    (follow,),
                )
            )
            theirs = _values(row)
            for name in (*row.external_contact.unread, *row.follow_info.unread):
                if name in mirror:
                    theirs[name] = mirror[name]
            found += _compare(userid, external, mirror, theirs)
    found += [
        Difference(row.follow_info.userid, external, "follow", None, "active")
        for (_userid, external), row in wecom.items()
    ]
    return found


_NAMES = (
    "name", "remark", "description", "createtime", "remark_corp_name", "remark_mobiles",
    "add_way", "oper_userid", "state",
)  # fmt: skip


def _values(row: FollowRow) -> dict[str, Any]:
    info = row.follow_info
    return {
        "name": row.external_contact.name,
        "remark": info.remark,
        "description": info.description,
        "createtime": info.createtime,
        "remark_corp_name": info.remark_corp_name,
        "remark_mobiles": list(info.remark_mobiles),
        "add_way": info.add_way,
        "oper_userid": info.oper_userid,
        "state": info.state,
        "tag_id": sorted(set(info.tag_id)),
    }


def _compare(
    userid: str, external: str, mirror: dict[str, Any], wecom: dict[str, Any]
) -> list[Difference]:
    found = []
    for name in mirror.keys() | wecom.keys():
        mine, theirs = mirror.get(name), wecom.get(name)
        if mine != theirs:
            if name == "remark_mobiles":
                mine, theirs = _HIDDEN, _HIDDEN
            found.append(Difference(userid, external, name, mine, theirs))
    return sorted(found, key=lambda each: each.field)
