"""What one machine's files hold at head office, copied to the server, and put back from there.

Litestream turns each commit of a database into a small file, in a folder; it merges these by and by
and now and then writes a whole one. The folder is kept the same in an object store of JetStream,
one for each epoch of the lease, so that a leader that was stopped and goes on disturbs nobody. (Its
own replica of the kind `nats` gives up on an object that takes longer than 5 s to read: 200 MB.)

`secure` is the promise of it: when it returns, all that was committed before is at the server.
"""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storeops import paths
from storeops.changes import copied
from storeops.changes import seal as seals
from storeops.errors import ConfigError, NetworkError, StoreOpsError
from storeops.hub import hosts, office_line, server
from storeops.hub import settings as hub_settings
from storeops.hub.connection import explain
from storeops.hub.settings import HubSettings
from storeops.i18n import _
from storeops.private_file import open_own, write_bytes

if TYPE_CHECKING:
    from nats.js.object_store import ObjectStore

FILES = ("data", "inbox")  # databases that are copied; run.db holds the token and stays here
CHUNK = 512 * 1024  # bytes of a message
CYCLE_S = 1.0  # between two looks at what else is to be copied
SYNC_S = 15.0  # that Litestream may take
START_S = 60.0
RESTORE_S = 1800.0
STOP_S = 10.0
PID, WARM_PID = "litestream.pid", "warm.pid"  # of our processes of Litestream
_log = logging.getLogger(__name__)


def bucket_name(epoch: int) -> str:
    """The object store of an epoch."""
    return f"copy-{epoch}"


def folder(profile: str, epoch: int) -> Path:
    """Where the files of an epoch's copy lie on this machine, made 0700."""
    return paths.private_folder(
        paths.private_folder(hub_settings.folder(profile) / "copy") / str(epoch)
    )


def database(profile: str, name: str) -> Path:
    """The file of one of FILES."""
    return {"data": paths.data_db, "inbox": paths.inbox_db}[name](profile)


def must_be_possible() -> None:
    """Refuse where head office cannot have a second host.

    Raises:
        ConfigError: Litestream is not installed, or this is Windows.
    """
    if sys.platform == "win32":
        raise ConfigError(_("A second host of head office needs Linux or macOS."))
    else:
        server.binary("litestream")


async def open_store(client: Any, settings: HubSettings, epoch: int, *, make: bool) -> ObjectStore:
    """The object store of an epoch.

    Raises:
        NetworkError: there is none, and it is not to be made.
    """
    from nats.js.errors import NotFoundError

    stream = client.jetstream(timeout=10)
    try:
        found: ObjectStore = await stream.object_store(bucket_name(epoch))
        return found
    except NotFoundError:
        if not make:
            raise NetworkError(
                _("The server of the hub has no copy of head office (epoch {epoch}).").format(
                    epoch=epoch
                ),
                hint=_("`storeops hub serve --lead` begins with what is on this machine."),
            ) from None
    from nats.js.api import ObjectStoreConfig

    made: ObjectStore = await stream.create_object_store(
        bucket_name(epoch),
        ObjectStoreConfig(bucket=bucket_name(epoch), replicas=settings.replicas),
    )
    return made


async def _listed(store: ObjectStore) -> dict[str, str]:
    """Names of the files in a store → id of their content."""
    from nats.js.errors import NotFoundError

    try:
        found = await store.list(ignore_deletes=True)
    except NotFoundError:
        return {}
    return {each.name: each.nuid or "" for each in found}


async def _drop(client: Any, epoch: int, name: str, nuid: str) -> None:
    """Remove a file from a store, without a trace of it."""
    stream, bucket = client.jetstream(timeout=10), bucket_name(epoch)
    encoded = base64.urlsafe_b64encode(name.encode()).decode()
    for subject in (f"$O.{bucket}.M.{encoded}", f"$O.{bucket}.C.{nuid}"):
        await stream.purge_stream(f"OBJ_{bucket}", subject=subject)


def _files(root: Path) -> Iterator[tuple[str, Path]]:
    """(name in the store, path) of the files of a copy that are whole, the oldest first."""
    for path in sorted(root.rglob("*.ltx")):
        name = path.relative_to(root).as_posix()
        if not name.startswith("."):  # Litestream's own notes
            yield name, path


def _numbers(name: str) -> tuple[int, int]:
    """First and last transaction of a file."""
    first, _dash, last = name.rpartition("/")[2].removesuffix(".ltx").partition("-")
    return int(first, 16), int(last, 16)


class Litestream:
    """The process that turns commits into files.

    Args:
        profile: of head office.
        epoch: of the lease.
    """

    def __init__(self, profile: str, epoch: int) -> None:
        self._profile = profile
        self._root = folder(profile, epoch)
        self._hub = hub_settings.folder(profile)
        self._socket = hosts.socket_path(profile, "copier.sock")
        self._process: subprocess.Popen[bytes] | None = None
        #: of databases that are copied; one that is made later, from the next start on
        self.names = [name for name in FILES if database(profile, name).exists()]

    def must_run(self) -> None:
        """Start it unless it runs; one that was left behind is ended first."""
        if self._process is not None and self._process.poll() is None:
            return
        end_left_behind(self._profile)
        wanted = {
            "socket": {"enabled": True, "path": str(self._socket), "permissions": 384},
            "dbs": [
                {
                    "path": str(database(self._profile, name)),
                    "meta-path": str(self._root / f".{name}"),
                    "replica": {"type": "file", "path": str(self._root / name)},
                }
                for name in self.names
            ],
        }
        config = self._hub / "litestream.yml"
        write_bytes(config, json.dumps(wanted, ensure_ascii=False).encode())
        log = self._hub / "litestream.log"
        if log.exists() and log.stat().st_size > 1 << 20:
            log.unlink()
        with os.fdopen(open_own(log, os.O_WRONLY | os.O_APPEND), "ab") as output:
            self._process = subprocess.Popen(
                [server.binary("litestream"), "replicate", "-config", str(config),
                 "-no-expand-env", "-log-level", "warn"],
                stdin=subprocess.DEVNULL, stdout=output, stderr=output,
            )  # fmt: skip
        write_bytes(self._hub / PID, f"{self._process.pid}\n".encode())

    def sync(self, name: str) -> None:
        """Let everything that is committed in a database be in the folder.

        Raises:
            NetworkError: it does not run, or cannot.
        """
        until = time.monotonic() + START_S
        body = json.dumps(
            {"path": str(database(self._profile, name)), "wait": True, "timeout": int(SYNC_S)}
        )
        why = "-"
        while time.monotonic() < until:
            self.must_run()
            try:
                status, why = self._post(body)
                if status == 200:
                    return
            except (OSError, HTTPException) as error:
                why = str(error)
                time.sleep(0.05)  # it starts
                continue
            if "not found" not in why and "not initialized" not in why:
                break
            time.sleep(0.05)
        raise NetworkError(_("Litestream cannot copy {name}: {why}").format(name=name, why=why))

    def _post(self, body: str) -> tuple[int, str]:
        asking = HTTPConnection("localhost", timeout=SYNC_S + 5)
        try:
            if sys.platform != "win32":
                asking.sock = socket.socket(socket.AF_UNIX)
                asking.sock.settimeout(SYNC_S + 5)
                asking.sock.connect(str(self._socket))
            asking.request("POST", "/sync", body, {"Content-Type": "application/json"})
            answer = asking.getresponse()
            return answer.status, answer.read(10_000).decode("utf-8", "replace")
        finally:
            asking.close()

    def stop(self) -> None:
        """End it."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        (self._hub / PID).unlink(missing_ok=True)


def end_left_behind(profile: str) -> None:
    """End what a killed `hub serve` of this profile left behind of Litestream."""
    for name in (PID, WARM_PID):
        with suppress(OSError, ValueError):
            pid = int((hub_settings.folder(profile) / name).read_text())
            if Path(f"/proc/{pid}/comm").read_text().strip() == "litestream":
                if sys.platform != "win32":
                    os.kill(pid, signal.SIGKILL)
                until = time.monotonic() + STOP_S
                while Path(f"/proc/{pid}/comm").exists() and time.monotonic() < until:
                    time.sleep(0.02)


class Copier:
    """Keeps the object store of an epoch the same as the folder, and answers `hosts.secure`.

    Args:
        profile: of head office.
        settings: its hub.
        epoch: of the lease.
        on_copied: told each time that everything was at the server, with count and head of the
            journal's seal that this fits, and until when (Unix seconds).
    """

    def __init__(
        self,
        profile: str,
        settings: HubSettings,
        epoch: int,
        on_copied: Callable[[tuple[int, str], float], None],
    ) -> None:
        self._profile, self._settings, self.epoch = profile, settings, epoch
        self._on_copied = on_copied
        self._root = folder(profile, epoch)
        self._litestream = Litestream(profile, epoch)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread = threading.Thread(target=self._run, name="copier")
        self._started = threading.Event()
        self._ending = threading.Event()
        self._client: Any = None
        self._store: ObjectStore | None = None
        self._have: dict[str, str] = {}
        self._asked = self._done = 0

    def start(self) -> None:
        """Begin to copy, in a thread of its own."""
        self._thread.start()
        self._started.wait(10)

    def secure(self, wait_s: float = hosts.SECURE_S) -> None:
        """Return when everything that is committed is at the server.

        Raises:
            NetworkError: it cannot be copied in that time.
        """
        assert self._loop is not None
        asked = asyncio.run_coroutine_threadsafe(self._secure(wait_s), self._loop)
        try:
            asked.result(wait_s + 5)
        except TimeoutError:
            asked.cancel()
            raise NetworkError(_("The copy of head office takes too long.")) from None

    def end(self) -> None:
        """Copy no more."""
        self._ending.set()
        if self._thread.is_alive():
            self._thread.join(60)
        self._litestream.stop()

    # -- in the thread ---------------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._copy())
        except Exception:
            _log.exception("head office is not copied any more")
        self._started.set()

    async def _copy(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._hot, self._cold = asyncio.Lock(), asyncio.Lock()
        path = hosts.socket_path(self._profile, "copy.sock")
        path.unlink(missing_ok=True)
        answering: asyncio.Server | None = None
        if sys.platform != "win32":
            answering = await asyncio.start_unix_server(self._answer, str(path))
        self._started.set()
        try:
            while not self._ending.is_set():
                try:
                    await self._copy_over_a_line()
                except StoreOpsError as error:
                    _log.warning("not copied: %s", error.message)
                except Exception:  # whatever it is, the next line may be better
                    _log.exception("not copied")
                    await asyncio.sleep(CYCLE_S)
                self._store = self._client = None
                await asyncio.sleep(0.2)
        finally:
            if answering is not None:
                answering.close()
            path.unlink(missing_ok=True)

    async def _copy_over_a_line(self) -> None:
        async with office_line.office_connection(self._settings) as client:
            store = await open_store(client, self._settings, self.epoch, make=True)
            self._have = await _listed(store)
            self._client, self._store = client, store
            while not self._ending.is_set():
                await self._cycle()
                rest = time.monotonic() + CYCLE_S
                while time.monotonic() < rest and not self._ending.is_set():
                    await asyncio.sleep(0.1)
                if not client.is_connected:
                    return

    async def _cycle(self) -> None:
        """Everything: new files of all kinds, then what was merged away."""
        began = time.time()
        for name in FILES[1:]:
            if name in self._litestream.names:
                await asyncio.to_thread(self._litestream.sync, name)
        seal = await asyncio.to_thread(seals.read, paths.profile_path(self._profile))
        await self._secure(hosts.SECURE_S)
        async with self._cold:
            here = dict(await asyncio.to_thread(lambda: list(_files(self._root))))
            hot = f"{FILES[0]}/ltx/0/"  # `_secure` alone copies these, so that none is put twice
            await self._put({name: path for name, path in here.items() if hot not in name})
            self._on_copied((seal.count, seal.head) if seal.proven else (0, ""), began)
            for name in list(self._have):
                if name in here or (self._root / name).exists():  # or `_secure` has just put it
                    continue
                await _drop(self._client, self.epoch, name, self._have.pop(name))

    async def _secure(self, wait_s: float) -> None:
        self._asked += 1
        mine = self._asked
        async with self._hot:
            if self._done >= mine:
                return
            upto = self._asked
            until = time.monotonic() + wait_s
            await asyncio.to_thread(self._litestream.sync, FILES[0])
            while self._store is None:
                if time.monotonic() > until:
                    raise NetworkError(_("The server of the hub does not answer."))
                await asyncio.sleep(0.02)
            here = await asyncio.to_thread(lambda: list(_files(self._root / FILES[0])))
            needed = {f"{FILES[0]}/{name}": path for name, path in self._needed(here)}
            try:
                await self._put(needed)
            except StoreOpsError:
                raise
            except Exception as error:
                raise explain(error, self._settings.url) from None
            self._done = max(self._done, upto)

    def _needed(self, here: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
        """The files without which a restore would lack something: single commits, and whatever
        took the place of such as were merged before they were copied."""
        fresh = [each for each in here if each[0].startswith("ltx/0/")]
        new = [each for each in fresh if f"{FILES[0]}/{each[0]}" not in self._have]
        known = [_numbers(name)[1] for name in self._have if name.startswith(f"{FILES[0]}/ltx/")]
        expected = max(known, default=0) + 1
        if new and _numbers(new[0][0])[0] > expected:
            return here
        return new

    async def _put(self, files: dict[str, Path]) -> None:
        from nats.js.api import ObjectMeta, ObjectMetaOptions

        for name, path in files.items():
            if name in self._have:
                continue
            if self._store is None:
                raise NetworkError(_("The server of the hub has gone."))
            meta = ObjectMeta(name=name, options=ObjectMetaOptions(max_chunk_size=CHUNK))
            with suppress(FileNotFoundError), path.open("rb") as file:
                found = await self._store.put(name, file, meta=meta)
                self._have[name] = found.nuid or ""

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readline()
            try:
                await self._secure(hosts.SECURE_S - 2)
                writer.write(b"ok\n")
            except Exception as error:
                writer.write(f"no {getattr(error, 'message', error)}\n".encode()[:900])
            with suppress(OSError):
                await writer.drain()
        finally:
            writer.close()


# -- at the other host -----------------------------------------------------------------------------


async def fetch(client: Any, settings: HubSettings, profile: str, epoch: int) -> int:
    """Bring the folder of an epoch to what is at the server; returns how many files came.

    Raises:
        NetworkError: there is no copy of that epoch.
    """
    from nats.js.errors import NotFoundError

    store = await open_store(client, settings, epoch, make=False)
    root = folder(profile, epoch)
    came = 0
    while True:
        there = await _listed(store)
        here = dict(_files(root))
        gone = False
        for name in sorted(there.keys() - here.keys()):
            path = root / name
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = path.with_suffix(".part")
            try:
                info = await store.get_info(name)
                with part.open("wb") as file:
                    await asyncio.wait_for(
                        store.get(name, writeinto=file), 30 + (info.size or 0) / 1_000_000
                    )
            except NotFoundError:  # merged into another one meanwhile
                gone = True
                continue
            part.replace(path)
            came += 1
        if not gone:
            for name in here.keys() - there.keys():
                (root / name).unlink(missing_ok=True)
            return came


def newest(profile: str, epoch: int) -> int:
    """The last transaction of data.db that the fetched files of an epoch have, 0 for none."""
    files = _files(folder(profile, epoch) / FILES[0])
    return max((_numbers(name)[1] for name, _path in files), default=0)


def restore(
    profile: str,
    epoch: int,
    seal: tuple[int, str],
    warm: Callable[[Path], bool] = lambda _path: False,
) -> None:
    """Put the databases of a fetched copy in their place; what lay there is kept in `hub/left`.

    Args:
        profile: of head office.
        epoch: of the copy.
        seal: count and head of the journal that the copy fits.
        warm: makes data.db without putting back the whole; False when it cannot.

    Raises:
        ConfigError: the copy cannot be read.
    """
    root, hub = folder(profile, epoch), hub_settings.folder(profile)
    for name in FILES:
        if not (root / name).exists():
            continue
        made = hub / f"{name}.restored"
        for each in hub.glob(f"{made.name}*"):
            each.unlink()
        if name != FILES[0] or not warm(made):
            _put_back(root / name, made)
        made.chmod(0o600)
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        if name == FILES[0]:
            copied.fit_seal(paths.profile_dir(profile), made, seal, time.time())
        _put_in_place(made, database(profile, name), hub)


def _put_back(copy: Path, made: Path) -> None:
    """Make a database of the files of its copy."""
    done = subprocess.run(
        [server.binary("litestream"), "restore", "-no-expand-env", "-o", str(made),
         f"file://{copy}"],
        stdin=subprocess.DEVNULL, capture_output=True, timeout=RESTORE_S, check=False,
    )  # fmt: skip
    if done.returncode or not made.exists():
        raise ConfigError(
            _("The copy of {name} cannot be put back: {why}").format(
                name=copy.name, why=done.stderr.decode("utf-8", "replace").strip()[-300:] or "-"
            ),
            hint=_("`storeops hub serve --lead` begins with what is on this machine."),
        )


def _put_in_place(made: Path, wanted: Path, hub: Path) -> None:
    left = paths.private_folder(hub / "left")
    for suffix in ("-wal", "-shm", ""):
        old = wanted.with_name(wanted.name + suffix)
        if old.exists():
            old.replace(left / old.name)
        else:
            (left / old.name).unlink(missing_ok=True)
    made.replace(wanted)


async def forget(client: Any, profile: str, epoch: int) -> None:
    """Remove the copies of other epochs, at the server and here."""
    from nats.js.errors import NotFoundError

    stream = client.jetstream(timeout=10)
    for info in await stream.streams_info():
        name = info.config.name or ""
        if name.startswith("OBJ_copy-") and name != f"OBJ_{bucket_name(epoch)}":
            with suppress(NotFoundError):
                await stream.delete_stream(name)
    for each in (hub_settings.folder(profile) / "copy").iterdir():
        if each.name != str(epoch):
            shutil.rmtree(each, ignore_errors=True)
