"""The scopes departments and staff: who works where, who left, who may be asked for customers."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Literal

from storeops.errors import StoreOpsError
from storeops.mirror.facts import Batch
from storeops.sync import runs
from storeops.sync.results import Outcome
from storeops.sync.session import Session
from storeops.wecom import contacts, customers
from storeops.wecom.contacts import User
from storeops.wecom.errcodes import ErrorCondition
from storeops.wecom.errors import has_condition
from storeops.wecom.oddities import LostRow, collecting_lost

Gone = Literal["left", "out_of_scope"]

_SUBTREE = 300  # departments read with one call; a larger answer may be refused (45029)


def read_departments(session: Session) -> Outcome:
    """The tree of departments, whole (doc 90208)."""
    session.count_call()
    try:
        with collecting_lost() as lost:
            listed = contacts.list_departments(session.client)
    except StoreOpsError as error:
        session.check_stop()
        session.fail("departments", error)
        return "failed"
    session.fail_rows(lost)
    session.apply(Batch(departments=listed, departments_whole=not lost))
    return "partial" if lost else "complete"


def read_staff(session: Session) -> Outcome:
    """Members by department, who left, and who has customer contact."""
    return _Staff(session).run()


def staff_of_store(session: Session, store: int) -> list[str]:
    """userid of the members with customer contact whose shop is `store` or lies below it."""
    below = _below(_children(_known_tree(session)), store)
    return [
        row[0]
        for row in session.db.execute(
            "SELECT userid, main_department FROM staff WHERE is_follow_user = 1 ORDER BY id"
        )
        if row[1] in below
    ]


def refresh_follow_users(session: Session) -> bool:
    """Ask who has customer contact; False when that could not be read, named as a failure."""
    found = _follow_users(session)
    if found is not None:
        session.apply(found)
    return found is not None and found.follow_users_whole


def _follow_users(session: Session) -> Batch | None:
    """Who has customer contact, as facts; None when there was no answer, named as a failure."""
    session.count_call()
    try:
        with collecting_lost() as lost:
            listed = customers.list_follow_users(session.client)
    except StoreOpsError as error:
        session.check_stop()
        session.fail("get_follow_user_list", error)
        return None
    session.fail_rows(lost)
    return Batch(follow_users=listed, follow_users_whole=not lost)


class _Staff:
    def __init__(self, session: Session) -> None:
        self.session = session
        self._seen: set[str] = set()
        self._whole = True  # every department answered
        self._answers = 0
        self._unread: list[str] = []  # members whose row in the list cannot be read

    def run(self) -> Outcome:
        session = self.session
        store = session.run.store_id
        try:
            tree = self._tree()
        except StoreOpsError as error:
            session.check_stop()
            session.fail("staff", error)
            return "failed"
        roots = [store] if store else _roots(tree)
        self._read_departments(_cuts(tree, roots), _children(tree))
        found = None if store else _follow_users(session)
        listed: Sequence[str] = ()
        if found is not None:
            self._answers += 1
            listed = found.follow_users or ()
        strangers = {each.lower(): each for each in (*self._unread, *listed)}
        unseen = [each for key, each in strangers.items() if key not in self._seen]
        ask_for(session, unseen, self._take)
        if self._whole:
            # who is in no list and unknown to user/get as well (two readings) has left
            ask_for(
                session,
                self._absent(store, strangers.keys()),
                self._take,
                lambda userid, where: session.apply(Batch(gone=[(userid, where)])),
            )
        if found is not None:
            session.apply(found)
        if not self._answers:
            return "failed"
        return "partial" if session.failures() else "complete"

    def _tree(self) -> dict[int, int]:
        """Department id → parent id, from this run's reading or asked anew."""
        session = self.session
        if runs.scope_outcome(session.db, session.run.id, "departments") != "complete":
            session.count_call()
            with collecting_lost() as lost:
                nodes = contacts.list_department_nodes(session.client)
            self._note_lost(lost, "id")
            tree = {node.id: node.parentid for node in nodes}
            return tree | {int(row.ids["id"]): 0 for row in lost if row.ids}
        return _known_tree(session)

    def _read_departments(
        self, cuts: Iterable[tuple[int, bool, list[int]]], below: dict[int, list[int]]
    ) -> None:
        """Members of each (department, with all below?, its children)."""
        session = self.session
        jobs = list(cuts)
        while jobs:
            again: list[tuple[int, bool, list[int]]] = []
            reading = session.read_many(jobs, self._list_users)
            for (department, deep, children), found, error in reading:
                if found is not None:
                    users, lost = found
                    self._take(users)
                    self._note_lost(lost, "userid")
                    self._unread += [row.ids["userid"] for row in lost if row.ids]
                elif has_condition(error, ErrorCondition.TOO_LARGE) and deep:
                    again.append((department, False, []))
                    again += [
                        (child, bool(kids := below.get(child, [])), kids) for child in children
                    ]
                elif error is not None:
                    self._whole = False
                    session.fail(f"department {department}", error)
            jobs = again

    def _list_users(
        self, job: tuple[int, bool, list[int]]
    ) -> tuple[tuple[User, ...], list[LostRow]]:
        with collecting_lost() as lost:
            users = contacts.list_users(self.session.client, job[0], fetch_child=job[1])
        return users, lost

    def _note_lost(self, lost: Iterable[LostRow], name: str) -> None:
        """Rows without an id may be anybody's, so that nobody counts as absent."""
        nameless = [row for row in lost if name not in row.ids]
        self._whole = self._whole and not nameless
        self.session.fail_rows(nameless)

    def _take(self, users: Sequence[User]) -> None:
        self._answers += 1
        fresh = [each for each in users if each.userid.lower() not in self._seen]
        self._seen.update(each.userid.lower() for each in fresh)
        for start in range(0, len(fresh), 500):
            with self.session.db.atomic() as connection:
                self.session.apply(Batch(staff=fresh[start : start + 500]))
                self.session.save(connection)

    def _absent(self, store: int, there: Collection[str]) -> list[str]:
        """Members the mirror believes there and no department showed; `there` is lower case."""
        rows = self.session.db.execute(
            "SELECT userid, main_department FROM staff WHERE status IN ('active', 'missing')"
            " ORDER BY id"
        ).fetchall()
        below = _below(_children(_known_tree(self.session)), store) if store else None
        return [
            userid
            for userid, department in rows
            if userid.lower() not in self._seen
            and userid.lower() not in there
            and (below is None or department in below)
        ]


def ask_for(
    session: Session,
    userids: Sequence[str],
    take: Callable[[Sequence[User]], object],
    gone: Callable[[str, Gone], object] | None = None,
) -> set[str]:
    """Where members are whom no list shows: visible on their own, out of scope, or gone.

    Args:
        session: of the run; an answer that says nothing becomes a failure of it.
        userids: whom to ask about, one call each (doc 90196).
        take: keeps those who are there.
        gone: is told of those who are not; None: that is no verdict, but a failure.

    Returns:
        userids of whom nothing was learnt.
    """
    unknown: set[str] = set()
    reading = session.read_many(userids, lambda userid: contacts.get_user(session.client, userid))
    for userid, user, error in reading:
        if user is not None and user.status != contacts.LEFT:
            take([user])
        elif gone and (user is not None or has_condition(error, ErrorCondition.MEMBER_GONE)):
            gone(userid, "left")
        elif gone and has_condition(error, ErrorCondition.OUT_OF_SCOPE):
            gone(userid, "out_of_scope")
        else:
            unknown.add(userid)
            if error is not None:
                session.fail(userid, error)
    return unknown


def _known_tree(session: Session) -> dict[int, int]:
    return dict(
        session.db.execute("SELECT id, parentid FROM department WHERE status = 'active'").fetchall()
    )


def _roots(tree: dict[int, int]) -> list[int]:
    """Departments whose parent is not visible."""
    return sorted(each for each, parent in tree.items() if parent not in tree)


def _children(tree: dict[int, int]) -> dict[int, list[int]]:
    found: dict[int, list[int]] = {}
    for each, parent in sorted(tree.items()):
        found.setdefault(parent, []).append(each)
    return found


def _below(children: dict[int, list[int]], department: int) -> set[int]:
    """The department and everything under it."""
    found: set[int] = set()
    left = [department]
    while left:
        each = left.pop()
        if each not in found:
            found.add(each)
            left += children.get(each, [])
    return found


def _cuts(tree: dict[int, int], roots: Sequence[int]) -> list[tuple[int, bool, list[int]]]:
    """(department, with all below?, its children) so that each call covers a fair share."""
    children = _children(tree)
    cuts: list[tuple[int, bool, list[int]]] = []
    left = list(roots)
    while left:
        each = left.pop()
        below = children.get(each, [])
        if len(_below(children, each)) <= _SUBTREE:
            cuts.append((each, bool(below), below))
        else:
            cuts.append((each, False, below))
            left += below
    return cuts


def follow_users(session: Session) -> list[str]:
    """Members to ask for customers: as this run read them, else asked now, else as known."""
    whole = not session.run.store_id
    if whole and runs.scope_outcome(session.db, session.run.id, "staff") != "complete":
        refresh_follow_users(session)
    return known_follow_users(session)


def known_follow_users(session: Session) -> list[str]:
    """Members with customer contact, as the mirror knows them."""
    if session.run.store_id:
        return staff_of_store(session, session.run.store_id)
    return [
        row[0]
        for row in session.db.execute(
            "SELECT userid FROM staff WHERE is_follow_user = 1 ORDER BY id"
        )
    ]
