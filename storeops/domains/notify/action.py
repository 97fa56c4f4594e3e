"""A message as a kind of plan: one row a message, one call a row, in order for each target."""

from __future__ import annotations

import base64
import hashlib
import shlex
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from storeops.changes.action import (
    DONE,
    FAILED,
    QUEUED,
    READY,
    Call,
    Row,
    RowResult,
    Verdict,
    View,
    blocked,
)
from storeops.database.database import Database
from storeops.domains.notify import log
from storeops.domains.notify.files import read
from storeops.domains.notify.targets import APP, CHAT, ROBOT
from storeops.errors import ConfigError, StoreOpsError, UsageError
from storeops.i18n import N_, _, kept
from storeops.wecom.errors import UncertainError

ONCE_S = 14_400  # so long WeCom itself does not deliver the same app message again
MARGIN_S = 600  # of that: a call may be under way for long, and clocks differ


class MessageAction:
    """Send one message to a group or to people.

    A message of a robot or to a chat whose answer was lost is never sent again by itself: nobody
    can ask whether it arrived. An app's message may be: WeCom does not deliver the same request
    twice.
    """

    name = "notify"
    path = "message/send"
    title = N_("messages")

    def observe(self, view: View, rows: Sequence[Row]) -> list[Mapping[str, Any]]:
        """Nothing of the mirror is replaced."""
        return [{} for _row in rows]

    def check(self, view: View, rows: Sequence[Row]) -> list[Verdict]:
        """Whether the target is still there."""
        known = {name.casefold() for (name,) in view.db.execute("SELECT name FROM notify_target")}
        return [
            READY
            if _target(row.extra).casefold() in known
            else blocked(
                "no_target",
                _("There is no target {name}.").format(name=_target(row.extra)),
                way_out=_("See all targets: storeops notify list"),
            )
            for row in rows
        ]

    def batch(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Iterable[Sequence[Row]]:
        """One call a message."""
        return [(row,) for row in rows]

    def call(self, rows: Sequence[Row], params: Mapping[str, Any]) -> Call:
        """One message; those to one target keep their order."""
        (row,) = rows
        payload = {**row.extra, **row.after, "profile": params.get("profile", "")}
        return Call(rows, payload, (f"notify:{row.extra['target']}",))

    def send(self, client: Any, call: Call) -> Any:
        """Send it; a file is uploaded first."""
        what = call.payload
        if call.ambiguous_sends and not _known_to_wecom(client, what):
            raise UncertainError(_("It was sent hours ago, and no answer came."))
        if what["sender"] == ROBOT:
            return _to_robot(client, what)
        return _from_app(client, what)

    def interpret(self, call: Call, answer: Any, error: StoreOpsError | None) -> list[RowResult]:
        """Done, with who was left out; or failed, and may be sent again."""
        (row,) = call.rows
        if error is not None:
            return [RowResult(row.row, FAILED, error.errcode, *error.to_keep, retryable=True)]
        missed = answer.missed() if hasattr(answer, "missed") else {}
        extra = {"msgid": getattr(answer, "msgid", ""), **missed}
        meaning = _missed(missed) if missed else ""
        return [RowResult(row.row, DONE, meaning=meaning, extra=extra)]

    def read_back(self, client: Any, call: Call) -> list[RowResult]:
        """Nobody can ask. An app's message goes again while WeCom would not deliver it twice."""
        (row,) = call.rows
        if _known_to_wecom(client, call.payload):
            return [RowResult(row.row, QUEUED)]
        return [
            RowResult(
                row.row,
                FAILED,
                None,
                kept(N_("It was sent, and no answer came: nobody knows whether it arrived.")),
                kept(
                    N_("Look in the group; send it again with `storeops notify retry {id}`."),
                    id=shlex.quote(call.payload["ids"][0]),
                ),
                extra={"uncertain": True},
            )
        ]

    def facts(
        self, db: Database, results: Sequence[tuple[Row, RowResult]], ref: str, now: int
    ) -> None:
        """The log says how each message ended."""
        for row, answer in results:
            log.record_result(db, row.extra["ids"], answer, now)

    def inverse(self, view: View, rows: Sequence[Row]) -> tuple[str, list[tuple[Row, Verdict]]]:
        """What was said cannot be unsaid.

        Raises:
            UsageError: always.
        """
        raise UsageError(
            _("A message cannot be undone."),
            hint=_("Tell them what is right instead: storeops notify send"),
        )


def _missed(missed: Mapping[str, Sequence[str]]) -> str:
    """Who did not get it, to be worded when it is shown."""
    words = {
        "invaliduser": N_("unknown or out of sight"),
        "invalidparty": N_("unknown departments"),
        "invalidtag": N_("unknown tags"),
        "unlicenseduser": N_("without a licence"),
    }
    names = [
        kept(N_("{names} ({why})"), names=list(ids), why=kept(words[why]))
        for why, ids in missed.items()
    ]
    return kept(N_("Not delivered to: {names}"), names=names)


def _target(what: Mapping[str, Any]) -> str:
    """Name of the target; older plans have it under a word that elsewhere names a member."""
    return str(what["target_name"] if "target_name" in what else what["to"])


def _known_to_wecom(client: Any, what: Mapping[str, Any]) -> bool:
    """Whether WeCom surely delivers the same message no second time: an app's, and not for ever.

    The first call was not before the plan was made.
    """
    once = what["sender"] == APP and what.get("alone")
    return bool(once and client.clock.now() < what.get("made_at", 0.0) + ONCE_S - MARGIN_S)


def _to_robot(client: Any, what: Mapping[str, Any]) -> Any:
    from storeops import secrets
    from storeops.wecom import messages

    name = _target(what)
    key = secrets.robot(what["profile"], name)
    if key is None:
        raise ConfigError(
            _("The robot {name} has no key.").format(name=name),
            hint=_("Enter it with `storeops notify robot add {name}`.").format(
                name=shlex.quote(name)
            ),
            next_steps=[f"storeops notify robot add {shlex.quote(name)}"],
        )
    counted, kind = f"r{what['target']}", what["kind"]
    if kind == "image":
        data = read(what["profile"], what)
        content: dict[str, Any] = {
            "base64": base64.b64encode(data).decode(),
            "md5": hashlib.md5(data, usedforsecurity=False).hexdigest(),
        }
    elif kind == "file":
        media = messages.robot_upload(
            client, key.reveal(), counted, what["filename"], read(what["profile"], what)
        )
        content = {"media_id": media}
    else:
        content = _content(what)
    return messages.robot_send(client, key.reveal(), counted, kind, content)


def _from_app(client: Any, what: Mapping[str, Any]) -> Any:
    from storeops.wecom import messages

    kind = what["kind"]
    if kind in ("image", "file"):
        data = read(what["profile"], what)
        content: dict[str, Any] = {
            "media_id": messages.upload(client, kind, what["filename"], data)
        }
    else:
        content = _content(what)
    if what["sender"] == CHAT:
        return messages.chat_send(client, what["receivers"]["chatid"], kind, content)
    return messages.send(
        client, int(client.agent_id or 0), what["receivers"], kind, content,
        once_s=ONCE_S if what.get("alone") else 0,
    )  # fmt: skip


def _content(what: Mapping[str, Any]) -> dict[str, Any]:
    if what["kind"] == "news":
        return {"articles": what["articles"]}
    return {"content": what["text"]}
