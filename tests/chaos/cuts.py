"""Cuts in the evidence: what somebody, or bad luck, does to journal, seal, key, plans and jobs.

`Scene` makes one home with work in it, twice; `CUTS` are done to a copy of it, each before and
after an ordinary act; every one of them must be named by `audit verify`, and stay named.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from storeops import config, secrets
from storeops.app import App
from storeops.changes import apply, erase
from storeops.changes.follow_requests import FollowRequest, select_follows
from storeops.changes.journal import GENESIS, digest_of, hash_of
from storeops.changes.verify import Proof, verify
from storeops.domains.tags.tag_plan import plan_tags
from storeops.errors import NotFoundError, StoreOpsError
from storeops.reading.customers import Selection
from storeops.sandbox.local import SandboxHandle
from storeops.sync.run import run_sync

NAME, OTHER = "t", "other"


@dataclass(frozen=True)
class Scene:
    """A home with two profiles in which plans were carried out.

    Attributes:
        home: STOREOPS_HOME, at rest.
        older: the profile's folder as it was in the middle: data.db (whole), cold.db (the file
            without its log), journal.seal.
    """

    home: Path
    older: Path

    @property
    def folder(self) -> Path:
        """The profile's folder."""
        return self.home / "data" / NAME

    @contextmanager
    def copy(self, to: Path) -> Iterator[Scene]:
        """The same in a folder of its own, which is the home of this process meanwhile."""
        shutil.copytree(self.home, to)
        before = os.environ.get("STOREOPS_HOME")
        os.environ["STOREOPS_HOME"] = str(to)
        try:
            yield Scene(to, self.older)
        finally:
            if before is None:
                del os.environ["STOREOPS_HOME"]
            else:
                os.environ["STOREOPS_HOME"] = before
            shutil.rmtree(to)

    @contextmanager
    def tamper(self) -> Iterator[sqlite3.Connection]:
        """Another program at the file, behind our back."""
        with closing(sqlite3.connect(self.folder / "data.db", isolation_level=None)) as connection:
            yield connection

    def last(self) -> int:
        """Number of the newest line."""
        with self.tamper() as connection:
            return int(
                connection.execute("SELECT coalesce(max(seq), 0) FROM journal").fetchone()[0]
            )


def make_scene(sandbox: SandboxHandle, root: Path) -> Scene:
    """Sync, tag in two plans, leave a third; keep what lay there in the middle."""
    home, older = root / "home", root / "older"
    older.mkdir(parents=True)
    os.environ["STOREOPS_HOME"] = str(home)
    for name in (NAME, OTHER):
        config.save_profile(
            config.Profile(
                name=name, corp_id=sandbox.corp_id, agent_id=sandbox.agent_id,
                base_url=sandbox.base_url, sandbox=True,
            ),
            make_default=name == NAME,
        )  # fmt: skip
        secrets.save(name, sandbox.secret)
        with closing(App.open(name)) as app:
            assert run_sync(app).outcome == "complete"
            for number, where in enumerate(("status:active", "!status:lost")):
                carry_out(app, number + 3 * (name == OTHER), where, limit=12)
                if name == NAME and number == 0:
                    with closing(sqlite3.connect(older / "data.db")) as whole:
                        app.data.connection.backup(whole)
                    shutil.copy(app.data.path, older / "cold.db")
                    shutil.copy(app.ledger.journal.folder / "journal.seal", older)
    return Scene(home, older)


def carry_out(app: App, tag: int, where: str, limit: int) -> None:
    """Make a plan of a few rows and send it."""
    name = make_plan(app, tag, where, limit)
    apply.apply(app.ledger, name)
    app.worker().run()


def make_plan(app: App, tag: int, where: str = "status:active", limit: int = 5) -> str:
    """A plan that gives a few customers the tag of that number."""
    tags = app.data.execute("SELECT tag_id FROM tag WHERE kind = 1 ORDER BY id").fetchall()
    if len(tags) <= tag:
        raise NotFoundError("no such tag")
    selected = select_follows(
        app.data, FollowRequest(Selection(where=where), follows="all"), app.clock.now()
    )
    selected.relations[:] = selected.relations[:limit]
    return plan_tags(app.ledger, selected, add=[tags[tag][0]], reason="spring").name


# --- cuts ---------------------------------------------------------------------------------


def _sql(*statements: str) -> Callable[[Scene], None]:
    def cut(scene: Scene) -> None:
        with scene.tamper() as connection:
            for each in statements:
                connection.execute(each.replace(":last", str(scene.last())))

    return cut


def _unlink(*names: str) -> Callable[[Scene], None]:
    def cut(scene: Scene) -> None:
        for name in names:
            (scene.folder / name).unlink()

    return cut


def _write(name: str, content: bytes) -> Callable[[Scene], None]:
    return lambda scene: (scene.folder / name).write_bytes(content) and None


def _all(*cuts: Callable[[Scene], None]) -> Callable[[Scene], None]:
    def cut(scene: Scene) -> None:
        for each in cuts:
            each(scene)

    return cut


def _older(source: str) -> Callable[[Scene], None]:
    def cut(scene: Scene) -> None:
        for end in ("-wal", "-shm"):
            (scene.folder / f"data.db{end}").unlink(missing_ok=True)
        shutil.copy(scene.older / source, scene.folder / "data.db")

    return cut


def _of_the_other(*names: str) -> Callable[[Scene], None]:
    def cut(scene: Scene) -> None:
        for name in names:
            shutil.copy(scene.home / "data" / OTHER / name, scene.folder / name)

    return cut


def _forge(scene: Scene) -> None:
    """Change a line and chain everything behind it anew."""
    with scene.tamper() as connection:
        before = GENESIS
        for record in connection.execute("SELECT * FROM journal ORDER BY seq").fetchall():
            seq, at, kind, who, machine, plan, row, subject, payload, salt, digest, _hash = record
            if seq == 4:
                payload = json.dumps({"forged": True})
                digest = digest_of(salt, subject, payload)
            before = hash_of(before, seq, at, kind, who, machine, plan, row, digest)
            connection.execute(
                "UPDATE journal SET payload = ?, digest = ?, hash = ? WHERE seq = ?",
                (payload, digest, before, seq),
            )


def _other_key(scene: Scene) -> None:
    (scene.folder / "journal.key").write_bytes(os.urandom(32))


_TAIL = _sql("DELETE FROM journal WHERE seq > :last - 9")

# kind of cut -> (what is done, what must be said of it)
_LEDGER = _sql(
    *(
        f"DELETE FROM {table}"
        for table in (
            "journal", "ledger_meta", "job_row", "job_key", "job_event", "job", "worker",
            "plan_row", "plan",
        )
    )
)  # fmt: skip

CUTS: dict[str, tuple[Callable[[Scene], None], str]] = {
    "tail": (_TAIL, r"Lines \d+ to \d+ (are missing|were lost)"),
    "head": (_sql("DELETE FROM journal WHERE seq < 5"), "Lines 1 to 4 are missing"),
    "middle": (
        _sql("DELETE FROM journal WHERE seq BETWEEN 6 AND 9"), "Lines 6 to 9 are missing"
    ),
    "all but one": (_sql("DELETE FROM journal WHERE seq > 1"), r"Lines 2 to \d+"),
    "emptied": (_sql("DELETE FROM journal"), r"Lines 1 to \d+"),
    "dropped": (_sql("DROP TABLE journal"), "missing from data.db"),
    "swapped": (
        _sql(
            "UPDATE journal SET seq = -1 WHERE seq = 5",
            "UPDATE journal SET seq = 5 WHERE seq = 6",
            "UPDATE journal SET seq = 6 WHERE seq = -1",
        ),
        "Line 5 was changed",
    ),
    "edited": (
        _sql("UPDATE journal SET payload = '{}' WHERE kind = 'row.answer' AND row = 1"),
        r"Line \d+ (was|had been) changed",
    ),
    "content taken out": (
        _sql("UPDATE journal SET payload = NULL, salt = NULL, subject = NULL WHERE seq = 5"),
        "no erasure was noted",
    ),
    "forged and chained anew": (_forge, r"not the line that (was|had been) sealed"),
    "last line edited": (
        _sql("UPDATE journal SET who = 'nobody' WHERE seq = :last"), r"Line \d+ was changed"
    ),
    "seal removed": (_unlink("journal.seal"), r"The seal .* (is|was) missing"),
    "seal of nothing": (_write("journal.seal", b""), r"The seal .* was altered"),
    "seal of zeros": (_write("journal.seal", b"\0" * 180), r"The seal .* was altered"),
    "seal of another profile": (_of_the_other("journal.seal"), r"The seal .* was altered"),
    "older seal": (
        lambda scene: shutil.copy(scene.older / "journal.seal", scene.folder) and None,
        "an older one",
    ),
    "key removed": (_unlink("journal.key"), r"The key .* missing or damaged"),
    "key cut short": (_write("journal.key", b"short"), r"The key .* missing or damaged"),
    "key of nothing": (_write("journal.key", b""), r"The key .* missing or damaged"),
    "another key": (_other_key, r"The seal .* was altered"),
    "key and seal removed": (_unlink("journal.key", "journal.seal"), r"The seal .* missing"),
    "key and seal of another profile": (
        _of_the_other("journal.key", "journal.seal"),
        r"not the line that (was|had been) sealed|Lines \d+ to \d+",
    ),
    "tail, and the seal removed": (
        _all(_TAIL, _unlink("journal.seal")), r"The seal .* missing",
    ),
    "tail, and the key removed": (_all(_TAIL, _unlink("journal.key")), r"Lines \d+ to \d+"),
    "emptied, and key and seal removed": (
        _all(_sql("DELETE FROM journal"), _unlink("journal.key", "journal.seal")),
        r"The seal .* missing",
    ),
    "all of the ledger emptied, and key and seal removed": (
        _all(_LEDGER, _unlink("journal.key", "journal.seal")),
        r"journal (is|was) empty",
    ),
    "the same, and the mark beside data.db": (
        _all(_LEDGER, _unlink("journal.key", "journal.seal", "data.db.made")),
        r"journal (is|was) empty",
    ),
    "tail, and an older seal": (
        _all(
            _TAIL, lambda scene: shutil.copy(scene.older / "journal.seal", scene.folder) and None
        ),
        r"Lines \d+ to \d+",
    ),
    "older data.db": (_older("data.db"), r"Lines \d+ to \d+"),
    "data.db without its log": (_older("cold.db"), r"Lines \d+ to \d+|missing|no such table"),
    "data.db of another profile": (
        _of_the_other("data.db"), r"not the line that|Lines \d+ to \d+|another"
    ),
    "plan deleted": (
        _sql(
            "DELETE FROM plan_row WHERE plan_id = 1", "DELETE FROM job WHERE plan_id = 1",
            "DELETE FROM plan WHERE id = 1",
        ),
        "was deleted",
    ),
    "rows of a plan deleted": (
        _sql("DELETE FROM plan_row WHERE plan_id = 1 AND row = 2"), "rows are there"
    ),
    "answer changed": (
        _sql("UPDATE plan_row SET status = 'failed', errcode = 84061 WHERE plan_id = 1"
             " AND row = 2"),
        "not the one in the journal|had been altered before",
    ),
    "errcode changed": (
        _sql("UPDATE plan_row SET errcode = 84061 WHERE plan_id = 1 AND row = 2"),
        "not the one in the journal|had been altered before",
    ),
    "reason changed": (
        _sql("UPDATE plan SET reason = 'asked by head office' WHERE id = 1"), "reason was changed"
    ),
    "applied plan called planned": (
        _sql("UPDATE plan SET status = 'planned' WHERE id = 1"), "the journal tells otherwise"
    ),
    "jobs deleted": (_sql("DELETE FROM job WHERE plan_id = 1"), "jobs were deleted"),
    "done job called failed": (
        _sql("UPDATE job SET status = 'failed' WHERE id = 1"),
        "the journal tells that it was done|had been altered before",
    ),
    "done job queued again": (
        _sql("UPDATE job SET status = 'queued' WHERE id = 2"),
        "has its answers|the journal tells that it was done|had been altered before",
    ),
    "rows of a job deleted": (
        _sql("DELETE FROM job_row WHERE job_id = 1"), "which rows it carried"
    ),
}  # fmt: skip


# --- ordinary acts ------------------------------------------------------------------------


def _idle(app: App) -> None:
    app.worker().run()


def _plan(app: App) -> None:
    apply.apply(app.ledger, make_plan(app, 2))


def _sync(app: App) -> None:
    run_sync(app)


def _erase(app: App) -> None:
    """Erase whom the first answered row is about."""
    row = app.data.execute(
        "SELECT external_userid FROM plan_row WHERE plan_id = 1 AND external_userid <> ''"
        " ORDER BY row LIMIT 1"
    ).fetchone()
    erase.erase(app.ledger, row[0] if row else "nobody")


ACTS: dict[str, Callable[[App], None]] = {
    "job run": _idle, "audit erase": _erase, "sync run": _sync, "plan apply": _plan,
}  # fmt: skip


def act(name: str) -> str:
    """Do one ordinary thing in a process's life; returns the sentence of a refusal."""
    try:
        with closing(App.open(NAME)) as app:
            ACTS[name](app)
    except StoreOpsError as error:
        return error.message
    return ""


def prove() -> Proof | str:
    """What `audit verify` finds; the sentence when it cannot read at all."""
    try:
        with closing(App.open(NAME)) as app:
            return verify(app.data, app.ledger.journal)
    except StoreOpsError as error:
        return error.message


def said(proof: Proof | str) -> str:
    """Everything it says."""
    return proof if isinstance(proof, str) else "\n".join(each.message for each in proof.findings)
