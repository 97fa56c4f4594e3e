"""Where messages can go: robots of groups, members that the app writes to, its own chats."""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

from storeops import secrets, times
from storeops.database.database import Database
from storeops.errors import NotFoundError, UsageError
from storeops.i18n import _, ngettext
from storeops.plain import file_word
from storeops.spelling import did_you_mean

ROBOT, APP, CHAT = "robot", "app", "chat"
_LONGEST = 40  # characters of a name
_NAME = re.compile(r"\w[\w.-]{0,39}")
_KEY = re.compile(r"[0-9A-Za-z-]{8,80}")
_QUIET = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True, slots=True)
class MessageTarget:
    """One name that messages can go to.

    Attributes:
        id: of the row; a robot's limit is kept under it.
        name: as people call it.
        sender: robot | app | chat.
        receivers: touser, toparty of an app message; chatid and its name of an app's chat.
        quiet: hours in which nothing is sent, 22:00-08:00; "" for none.
    """

    id: int
    name: str
    sender: str
    receivers: Mapping[str, str]
    quiet: str

    def opens_at(self, now: float) -> float:
        """When it may be written to: now, or the end of its quiet hours; Unix seconds."""
        found = _QUIET.fullmatch(self.quiet)
        if found is None:
            return now
        from_hour, from_minute, to_hour, to_minute = map(int, found.groups())
        midnight = times.midnight(now)
        begin = from_hour * 60 + from_minute
        end = to_hour * 60 + to_minute
        minute = (times.local(now) - midnight).total_seconds() / 60
        inside = begin <= minute < end if begin < end else minute >= begin or minute < end
        if begin == end or not inside:
            return now
        opening = midnight + timedelta(minutes=end)
        if opening.timestamp() <= now:
            opening += timedelta(days=1)
        return opening.timestamp()


def save(
    db: Database,
    name: str,
    sender: str,
    now: float,
    *,
    receivers: Mapping[str, str] | None = None,
    quiet: str = "",
) -> MessageTarget:
    """Add a target, or change the one of that name.

    Args:
        db: data.db.
        name: letters, digits, `.`, `_`, `-`.
        sender: robot | app | chat.
        now: WeCom's time, Unix seconds.
        receivers: touser, toparty of an app; chatid, name of a chat.
        quiet: 22:00-08:00, or "".

    Raises:
        UsageError: a name or hours that cannot be; a name that is a target of the other kind.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(
            _("“{name}” cannot name a target.").format(name=name),
            hint=_("Use letters, digits, `.`, `_` and `-`, at most 40."),
        )
    found = _QUIET.fullmatch(quiet)
    wrong = found is not None and (
        max(int(found[1]), int(found[3])) > 23 or max(int(found[2]), int(found[4])) > 59
    )
    if quiet and (found is None or wrong):
        raise UsageError(
            _("“{text}” are no quiet hours.").format(text=quiet),
            hint=_("Write them like 22:00-08:00."),
        )
    with db.atomic() as connection:
        known = connection.execute(
            "SELECT sender FROM notify_target WHERE name = ?", (name,)
        ).fetchone()
        if known is not None and known[0] != sender:
            raise UsageError(_("{name} is a target of another kind.").format(name=name))
        connection.execute(
            "INSERT INTO notify_target (name, sender, receivers, quiet, created_at)"
            " VALUES (?, ?, ?, ?, ?) ON CONFLICT (name) DO UPDATE SET"
            " receivers = excluded.receivers, quiet = excluded.quiet",
            (name, sender, json.dumps(dict(receivers or {})), quiet, now),
        )
    return get(db, name)


def every(db: Database) -> list[MessageTarget]:
    """All of them, by name."""
    return [
        MessageTarget(key, name, sender, json.loads(receivers), quiet)
        for key, name, sender, receivers, quiet in db.execute(
            "SELECT id, name, sender, receivers, quiet FROM notify_target ORDER BY name"
        )
    ]


def get(db: Database, name: str) -> MessageTarget:
    """The target of that name.

    Raises:
        NotFoundError: there is none.
    """
    found = {each.name.casefold(): each for each in every(db)}
    target = found.get(name.casefold())
    if target is None:
        names = [each.name for each in found.values()]
        otherwise = _("See all targets: storeops notify list")
        raise NotFoundError(
            _("There is no target {name}.").format(name=name),
            hint=did_you_mean(name, names, otherwise),
            next_steps=["storeops notify list"],
        )
    return target


def own_name(kind: str, word: str) -> str:
    """A name that the program gives to a target itself: `kind-word`; never that of another word.

    What cannot stand in a name as it is, or differs from another in more than the case of its
    letters, is told apart by a few digits of its hash.
    """
    name = f"{kind}-{word}"
    fit = file_word(name, _LONGEST)
    folded = re.sub("[A-Z]", lambda letter: letter[0].lower(), fit)
    if fit == name and folded != name.casefold():
        digits = hashlib.sha256(word.encode("utf-8", "replace")).hexdigest()[:6]
        fit = f"{fit[: _LONGEST - 7]}-{digits}"
    return fit


def keep_members(db: Database, name: str, userids: Sequence[str], now: float) -> MessageTarget:
    """The members that the app writes to under a name, as they are today; its quiet hours stay.

    Raises:
        UsageError: a target of another kind has that name.
    """
    try:
        known = get(db, name)
    except NotFoundError:
        quiet = ""
    else:
        quiet = known.quiet
        if known.sender == APP and known.receivers == {"touser": "|".join(userids)}:
            return known
    return save(db, name, APP, now, receivers={"touser": "|".join(userids)}, quiet=quiet)


def forget(db: Database, profile: str, name: str, sender: str) -> MessageTarget:
    """Take a target and its key out; what was sent stays in the log.

    Raises:
        NotFoundError: there is none.
        UsageError: it is of another kind than `sender`; messages wait for it.
    """
    target = get(db, name)
    if target.sender != sender:
        raise UsageError(
            _("{name} is a target of another kind.").format(name=target.name),
            hint=f"storeops notify {target.sender} remove {shlex.quote(target.name)}",
        )
    waiting = db.execute(
        "SELECT count(*) FROM notify_message WHERE target = ? AND status IN ('waiting', 'queued')",
        (target.name,),
    ).fetchone()[0]
    if waiting:
        raise UsageError(
            ngettext(
                "{count} message waits for {name}.",
                "{count} messages wait for {name}.",
                waiting,
            ).format(count=waiting, name=target.name),
            hint=_("Send them first: storeops notify run"),
        )
    with db.atomic() as connection:
        connection.execute("DELETE FROM notify_target WHERE id = ?", (target.id,))
    if target.sender == ROBOT:
        secrets.forget_robot(profile, target.name)
    return target


def key_of(text: str) -> str:
    """The key in what was pasted: the key itself, or the whole webhook address.

    Raises:
        UsageError: neither.
    """
    entered = text.strip()
    if "://" in entered:
        entered = next(iter(parse_qs(urlsplit(entered).query).get("key", [])), "")
    if not _KEY.fullmatch(entered):
        raise UsageError(
            _("That is no key of a group's robot."),
            hint=_("Paste the webhook address that WeCom shows, or the part after key=."),
        )
    return entered
