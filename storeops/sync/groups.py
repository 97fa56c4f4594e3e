"""The scope groups: which group chats there are, by owner, and who sits in them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from storeops.errors import StoreOpsError
from storeops.mirror.chats import with_known_members
from storeops.mirror.facts import Batch
from storeops.sync import contacts, refusals
from storeops.sync.members import halves
from storeops.sync.results import Outcome
from storeops.sync.session import Session
from storeops.wecom import groups
from storeops.wecom.errcodes import ErrorCondition
from storeops.wecom.errors import has_condition
from storeops.wecom.failures import lost_row
from storeops.wecom.groups import ChatPage, ChatRow, GroupChat
from storeops.wecom.oddities import LostRow, collecting_lost
from storeops.wecom.paging import pages

_WRITE = 20  # groups a transaction


def read_groups(session: Session) -> Outcome:
    """Lists by owners, 100 a call (doc 92120), then each group (doc 92122).

    A group that the complete list of its owner does not show is asked for by id: only that says
    whether it was dissolved.
    """
    return _Groups(session).run()


class _Groups:
    def __init__(self, session: Session) -> None:
        self.session = session
        self._owners_read: set[str] = set()

    def run(self) -> Outcome:
        session = self.session
        owners = self._owners()
        if self._list(owners) is None:
            return "failed"
        if not self._list_of_leavers() and not owners:
            return "failed"
        self._details()
        self._absent()
        return "partial" if session.failures() else "complete"

    # -- the lists --------------------------------------------------------------------------------

    def _owners(self) -> list[str]:
        """Members with customer contact, leavers, and owners of groups that are known."""
        session = self.session
        if session.run.store_id:
            return contacts.staff_of_store(session, session.run.store_id)
        rows = session.db.execute(
            "SELECT userid FROM staff WHERE is_follow_user = 1 OR status = 'left'"
            " UNION SELECT owner_userid FROM group_chat WHERE status <> 'dissolved'"
            " AND owner_userid <> '' ORDER BY 1"
        )
        return [row[0] for row in rows]

    def _list(self, owners: Sequence[str]) -> bool | None:
        """Read all lists; None when none could be read although there are owners."""
        session = self.session
        size = groups.OWNERS_PER_CALL
        jobs = [list(owners[start : start + size]) for start in range(0, len(owners), size)]
        read = False
        while jobs:
            again: list[list[str]] = []
            for part, found, error in session.read_many(jobs, self._read_list):
                if found is not None:
                    read = True
                    rows, lost = found
                    session.fail_rows(lost)
                    self._take_list(part, rows)
                elif error is None:
                    continue
                elif refusals.ends_scope(error) or refusals.unreachable(error):
                    session.fail("groups", error)
                    for owner in part:
                        session.fail(owner, error)
                elif len(part) > 1:
                    again += halves(part)
                elif not has_condition(
                    error, ErrorCondition.NO_RELATION, ErrorCondition.MEMBER_GONE
                ):
                    session.fail(part[0], error)
            jobs = again
        return True if read or not owners else None

    def _read_list(self, owners: list[str]) -> tuple[dict[str, int], list[LostRow]]:
        """chat_id → situation of the owner, all pages; anew once when the cursor is stale."""
        for attempt in (1, 2):
            found: dict[str, int] = {}
            try:
                with collecting_lost() as lost:
                    self._read_pages(found, owners, counted=attempt == 1)
                return found, lost
            except StoreOpsError as error:
                if not has_condition(error, ErrorCondition.STALE_CURSOR) or attempt == 2:
                    raise
        raise AssertionError("unreachable")

    def _read_pages(
        self,
        found: dict[str, int],
        owners: Sequence[str] = (),
        *,
        status_filter: int = 0,
        counted: bool = False,
    ) -> None:
        """Fill `found` from all pages; `counted`: the first call was counted by the caller."""

        def read(cursor: str) -> ChatPage:
            if cursor or not counted:
                self.session.count_call()
            return groups.list_chats(
                self.session.client, status_filter=status_filter, owners=owners, cursor=cursor
            )

        for page in pages(groups.LIST, read):
            found.update((row.chat_id, row.status) for row in page.group_chat_list)

    def _list_of_leavers(self) -> bool:
        """Groups whose owner left, also those of leavers whose ids nobody knows any more.

        Only corps with at most 1,000 visible members are told without naming owners (81017); a
        refusal therefore takes nothing away from what the owners' lists said. False after a
        failure that the scope must own up to.
        """
        session = self.session
        if session.run.store_id:
            return True
        read = True
        found: dict[str, int] = {}
        with collecting_lost() as lost:
            try:
                self._read_pages(found, status_filter=1)
            except StoreOpsError as error:
                if error.errcode is None or refusals.ends_scope(error):
                    session.fail("groups", error)
                    read = False
        session.fail_rows(lost)
        self._take_list((), found)
        return read

    def _take_list(self, owners: Iterable[str], rows: dict[str, int]) -> None:
        self._owners_read.update(each.lower() for each in owners)
        session = self.session
        with session.db.atomic() as connection:
            connection.executemany(
                "INSERT INTO sync_listed (run_id, scope, subject, value) VALUES"
                " (?, 'groups', ?, ?) ON CONFLICT DO UPDATE SET value = excluded.value",
                [(session.run.id, chat_id, status) for chat_id, status in rows.items()],
            )
            session.save(connection)

    # -- the groups -------------------------------------------------------------------------------

    def _details(self) -> None:
        """Every listed group that this run has not read yet."""
        session = self.session
        wanted = session.db.execute(
            "SELECT subject, value, done FROM sync_listed WHERE run_id = ? AND scope = 'groups'"
            " ORDER BY subject",
            (session.run.id,),
        ).fetchall()
        session.counters.total = len(wanted)
        with session.db.atomic() as connection:
            session.save(connection)
        jobs = [ChatRow(chat_id, value) for chat_id, value, done in wanted if not done]
        self._read_chats(jobs, listed=True)

    def _read_chats(self, jobs: Sequence[ChatRow], *, listed: bool) -> None:
        session = self.session
        chats = []
        gone: list[tuple[str, str]] = []
        silent = 0
        for job, found, error in session.read_many(jobs, self._read_chat):
            if found is not None:
                silent = 0
                chat, lost = found
                if lost:
                    chat = with_known_members(
                        session.db.connection, chat, [row.ids.get("userid") for row in lost]
                    )
                for row in lost:
                    session.fail(f"{job.chat_id} / {row.name}", lost_row(row))
                chats.append((chat, job.status))
            elif error is None:
                continue
            elif has_condition(error, ErrorCondition.CHAT_GONE):
                gone.append((job.chat_id, "dissolved"))
            elif not listed and has_condition(
                error,
                ErrorCondition.OUT_OF_SCOPE,
                ErrorCondition.NO_RELATION,
                ErrorCondition.MEMBER_GONE,
            ):
                gone.append((job.chat_id, "missing"))
            else:
                session.fail(job.chat_id, error)
                silent += refusals.unreachable(error)
                if refusals.ends_scope(error) or silent > 5:
                    session.fail("groups", error)
                    break
            if len(chats) + len(gone) >= _WRITE:
                self._write(chats, gone)
                chats, gone = [], []
        self._write(chats, gone)

    def _read_chat(self, job: ChatRow) -> tuple[GroupChat, list[LostRow]]:
        with collecting_lost() as lost:
            chat = groups.get_chat(self.session.client, job.chat_id, need_name=True)
        return chat, lost

    def _write(
        self, chats: Sequence[tuple[groups.GroupChat, int]], gone: Sequence[tuple[str, str]]
    ) -> None:
        session = self.session
        done = [chat.chat_id for chat, _status in chats] + [chat_id for chat_id, _word in gone]
        with session.db.atomic() as connection:
            session.apply(Batch(chats=chats, gone_chats=gone))
            connection.executemany(
                "UPDATE sync_listed SET done = 1"
                " WHERE run_id = ? AND scope = 'groups' AND subject = ?",
                [(session.run.id, chat_id) for chat_id in done],
            )
            session.save(connection)

    def _absent(self) -> None:
        """Known groups of owners whose lists were read, that no list showed."""
        session = self.session
        rows = session.db.execute(
            "SELECT chat_id, owner_status, owner_userid FROM group_chat"
            " WHERE status <> 'dissolved' AND chat_id NOT IN"
            " (SELECT subject FROM sync_listed WHERE run_id = ? AND scope = 'groups')"
            " ORDER BY chat_id",
            (session.run.id,),
        ).fetchall()
        jobs = [
            ChatRow(chat_id, status)
            for chat_id, status, owner in rows
            if owner.lower() in self._owners_read
        ]
        if jobs:
            self._read_chats(jobs, listed=False)
