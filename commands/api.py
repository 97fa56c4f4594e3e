"""`storeops api`: WeCom's API raw, with our token and within our limits."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from commands import output, planned
from commands.cells import json_text
from commands.context import current
from commands.diagnostics import note
from commands.options import Reason
from storeops import os_errors
from storeops.errors import PolicyError, UsageError
from storeops.i18n import _
from storeops.plain import fit, plain

app = typer.Typer(help=_("Call the WeCom API raw: token, limits and errors are taken care of."))
Path_ = Annotated[
    str, typer.Argument(metavar="PATH", help=_("Like externalcontact/get; query allowed."))
]
AllowWrite = Annotated[
    bool, typer.Option("--allow-write", help=_("Send although it may change something."))
]
MOST_BYTES = 2_000_000

# POSTs that only read, by the last part of their path (doc 92114 and the pages beside it)
_READS = """
batch/get_by_user get_corp_tag_list get_strategy_tag_list get_unassigned_list transfer_result
resigned/transfer_result groupchat/list groupchat/get groupchat/statistic
groupchat/statistic_group_by_day groupchat/opengid_to_chatid get_user_behavior_data
user/list_id user/getuserid user/get_userid_by_email contact_list list_contact_way
get_contact_way get_groupmsg_list_v2 get_groupmsg_task get_groupmsg_send_result
get_moment_list get_moment_task get_moment_customer_list get_moment_send_result
get_moment_comments group_welcome_template/get customer_acquisition/list_link
customer_acquisition/get customer_acquisition/customer customer_strategy/list
customer_strategy/get customer_strategy/get_range unionid_to_external_userid
get_new_external_userid convert_to_openid
"""
READS = frozenset(_READS.split())
# some writes are GETs: user/delete, department/delete, tag/delete, user/authsucc (doc 90198)
WRITING = ("del", "add", "create", "update", "remove", "set", "send", "authsucc", "cancel", "close")
Param = Annotated[
    list[str] | None,
    typer.Option("--param", metavar="NAME=VALUE", help=_("A query parameter; repeatable.")),
]


@app.command("get", help=_("GET a path; prints WeCom's answer as JSON."))
def get(
    path: Path_,
    param: Param = None,
    allow_write: AllowWrite = False,
    reason: Reason = "",
) -> None:
    """Some of WeCom's GETs change something; those must be asked for."""
    where, params = _split(path, param or [])
    _call("GET", where, params, None, where.rpartition("/")[2].startswith(WRITING), allow_write,
          reason)  # fmt: skip


@app.command("post", help=_("POST JSON to a path; what may change something needs --allow-write."))
def post(
    path: Path_,
    data: Annotated[
        str,
        typer.Option("--data", "-d", metavar="JSON", help=_("JSON, @FILE, or - for stdin.")),
    ] = "",
    param: Param = None,
    allow_write: AllowWrite = False,
    reason: Reason = "",
) -> None:
    """Writes bypass the plan, so they must be asked for and allowed; the journal keeps them."""
    where, params = _split(path, param or [])
    body = _body(data)
    _call("POST", where, params, body, not reads_only(where), allow_write, reason)


def _call(
    method: str, path: str, params: dict[str, Any], body: Any, write: bool, allowed: bool,
    reason: str,
) -> None:  # fmt: skip
    app_ = current().app
    planned.note_waits(app_)
    if not write:
        _show(app_.client.raw(method, path, params, body, write=False))
        return
    from storeops.changes import raw

    raw.may_call(app_.ledger)
    shown = raw.preview(method, path, params, body)
    if not allowed:
        raise PolicyError(
            _("{path} may change something at WeCom: {preview}").format(
                path=path, preview=_preview(shown)
            ),
            hint=_("Add --allow-write to send it; there will be no plan and no undo."),
            details={"call": shown},
        )
    note(_("Sending {preview}").format(preview=_preview(shown)))
    _show(raw.write(app_.ledger, app_.client, method, path, params, body, reason))


def _preview(shown: dict[str, Any]) -> str:
    """The call in one line of bounded length."""
    words = [shown["method"], shown["path"]]
    words += [json_text(shown[part]) for part in ("params", "body") if shown[part]]
    return fit(plain(" ".join(words)), 400).rstrip()


def reads_only(path: str) -> bool:
    """Whether a POST to `path` is known to change nothing."""
    parts = path.split("/")
    return parts[-1] in READS or "/".join(parts[-2:]) in READS


def _split(path: str, pairs: list[str]) -> tuple[str, dict[str, Any]]:
    from urllib.parse import parse_qsl

    where, _mark, query = path.partition("?")
    params: dict[str, Any] = dict(parse_qsl(query, keep_blank_values=True))
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals:
            raise UsageError(
                _("{text} is not NAME=VALUE.").format(text=pair),
                hint=_("Write for example --param userid=zhangsan."),
            )
        params[name] = value
    where = where.strip("/").removeprefix("cgi-bin/")
    if not where or "://" in where or "access_token" in params:
        raise UsageError(
            _("{path} is not a path of the API.").format(path=where or path),
            hint=_("Write what follows /cgi-bin/, for example externalcontact/get."),
        )
    return where, params


def _body(data: str) -> Any:
    import json

    try:
        if data == "-":
            text = sys.stdin.read(MOST_BYTES)
        elif data.startswith("@"):
            text = Path(data[1:]).read_text(encoding="utf-8")
        else:
            text = data or "{}"
        return json.loads(text)
    except OSError as error:
        raise UsageError(
            _("{path} cannot be read: {text}.").format(path=data[1:], text=os_errors.reason(error))
        ) from None
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise UsageError(
            _("The data is not JSON: {text}.").format(text=error),
            hint=_("WeCom would have guessed what was meant; nothing was sent."),
        ) from None


def _show(answer: dict[str, Any]) -> None:
    indent = 2 if sys.stdout.isatty() or not current().settings.format else None
    picked = output.pick(answer, current().settings.fields)
    output.write(json_text(picked, indent=indent) + "\n")
