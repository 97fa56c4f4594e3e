"""The scopes departments and staff: who works where, who left, who may be asked for customers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storeops.errors import StoreOpsError
from storeops.mirror.facts import Batch
from storeops.sync import runs
from storeops.sync.results import Outcome
from storeops.sync.session import Session
from storeops.wecom import contacts, customers
from storeops.wecom.contacts import User
from storeops.wecom.errcodes import Condition
from storeops.wecom.errors import says

_SUBTREE = 300  # departments read with one call; a larger answer may be refused (45029)


def read_departments(session: Session) -> Outcome:
    """The tree of departments, whole (doc 90208)."""
    session.count_call()
    try:
        listed = contacts.list_departments(session.client)
    except StoreOpsError as error:
        session.halt()
        session.fail("departments", error)
        return "failed"
    session.apply(Batch(departments=listed))
    return "complete"


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
    """Ask who has customer contact; False when there was no answer, named as a failure."""
    session.count_call()
    try:
        listed = customers.list_follow_users(session.client)
    except StoreOpsError as error:
        session.halt()
        session.fail("get_follow_user_list", error)
        return False
    session.apply(Batch(follow_users=listed))
    return True


class _Staff:
    def __init__(self, session: Session) -> None:
        self.session = session
        self._seen: set[str] = set()
        self._whole = True  # every department answered
        self._answers = 0

    def run(self) -> Outcome:
        session = self.session
        store = session.run.store_id
        try:
            tree = self._tree()
        except StoreOpsError as error:
            session.halt()
            session.fail("staff", error)
            return "failed"
        roots = [store] if store else _roots(tree)
        self._read_departments(_cuts(tree, roots), _children(tree))
        listed = None if store else self._follow_users()
        if listed is not None:
            strangers = [each for each in listed if each.lower() not in self._seen]
            self._read_one_by_one(strangers, leaving=False)
        if self._whole:
            self._read_one_by_one(self._absent(store, set(listed or ())), leaving=True)
        if listed is not None:
            session.apply(Batch(follow_users=listed))
        if not self._answers:
            return "failed"
        return "partial" if session.failures() else "complete"

    def _tree(self) -> dict[int, int]:
        """Department id → parent id, from this run's reading or asked anew."""
        session = self.session
        if runs.scope_outcome(session.db, session.run.id, "departments") != "complete":
            session.count_call()
            nodes = contacts.list_department_nodes(session.client)
            return {node.id: node.parentid for node in nodes}
        return _known_tree(session)

    def _read_departments(
        self, cuts: Iterable[tuple[int, bool, list[int]]], below: dict[int, list[int]]
    ) -> None:
        """Members of each (department, with all below?, its children)."""
        session = self.session
        jobs = list(cuts)
        while jobs:
            again: list[tuple[int, bool, list[int]]] = []
            reading = session.read_many(
                jobs,
                lambda job: contacts.list_users(session.client, job[0], fetch_child=job[1]),
            )
            for (department, deep, children), users, error in reading:
                if users is not None:
                    self._take(users)
                elif says(error, Condition.TOO_LARGE) and deep:
                    again.append((department, False, []))
                    again += [
                        (child, bool(kids := below.get(child, [])), kids) for child in children
                    ]
                elif error is not None:
                    self._whole = False
                    session.fail(f"department {department}", error)
            jobs = again

    def _take(self, users: Sequence[User]) -> None:
        self._answers += 1
        fresh = [each for each in users if each.userid.lower() not in self._seen]
        self._seen.update(each.userid.lower() for each in fresh)
        for start in range(0, len(fresh), 500):
            with self.session.db.atomic() as connection:
                self.session.apply(Batch(staff=fresh[start : start + 500]))
                self.session.save(connection)

    def _follow_users(self) -> tuple[str, ...] | None:
        session = self.session
        session.count_call()
        try:
            listed = customers.list_follow_users(session.client)
        except StoreOpsError as error:
            session.halt()
            session.fail("get_follow_user_list", error)
            return None
        self._answers += 1
        return listed

    def _absent(self, store: int, listed: set[str]) -> list[str]:
        """Members the mirror believes there and no department showed."""
        there = {each.lower() for each in listed}
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

    def _read_one_by_one(self, userids: Sequence[str], *, leaving: bool) -> None:
        """Members no department shows: visible on their own, out of scope, or gone.

        Who is in no list and unknown to user/get as well (two readings) has left.
        """
        session = self.session
        reading = session.read_many(
            userids, lambda userid: contacts.get_user(session.client, userid)
        )
        for userid, user, error in reading:
            if user is not None and user.status != 5:
                self._take([user])
            elif leaving and (user is not None or says(error, Condition.MEMBER_GONE)):
                session.apply(Batch(gone=[(userid, "left")]))
            elif leaving and says(error, Condition.OUT_OF_SCOPE):
                session.apply(Batch(gone=[(userid, "out_of_scope")]))
            elif error is not None:
                session.fail(userid, error)


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
