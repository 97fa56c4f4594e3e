"""Sentences for what can go wrong on the wire, each with its next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storeops.errors import AccessError, ConfigError, NetworkError, NotFoundError
from storeops.i18n import _
from storeops.wecom.errors import ResponseError, StoppedError, UncertainError
from storeops.wecom.oddities import LostRow


def reason_text(reason: str, read_s: float) -> str:
    """A transport's reason in the user's language; "HTTP 502" stays as it is."""
    words = {
        "connect": _("no connection"),
        "timeout": _("no answer within {seconds} s").format(seconds=f"{read_s:g}"),
        "late": _("no answer in time"),
        "cut": _("the connection was cut"),
        "tls": _("the certificate is not trusted"),
        "protocol": _("the answer was broken off"),
        "packed": _("it is packed in a way nobody asked for"),
        "large": _("it is larger than any answer of WeCom"),
        "answer": _("it is not JSON"),
        "errcode": _("it has no errcode"),
    }
    if reason.startswith("proxy "):
        return _("the proxy refuses ({status})").format(status=reason.removeprefix("proxy "))
    return words.get(reason, reason)


def stopped() -> StoppedError:
    """Somebody asked to stop."""
    return StoppedError(_("Stopped; what was answered is kept."))


def no_answer(
    host: str, path: str, reason: str, *, proxy: str, local: bool, read_s: float
) -> NetworkError:
    """Nothing came back, after all tries.

    Args:
        host: who was asked.
        path: what for.
        reason: why not, as the transport says.
        proxy: the proxy in between without its password, "" for none.
        local: whether the host is this machine.
        read_s: how long each try waited for bytes, seconds.
    """
    if reason in ("answer", "errcode", "packed", "large") or reason.startswith("HTTP"):
        return NetworkError(
            _("{host} answered {path}, but not as WeCom does: {reason}.").format(
                host=host, path=path, reason=reason_text(reason, read_s)
            ),
            hint=_("Look for a proxy or a login page between this machine and WeCom."),
            retry_after_s=30.0,
            details={"path": path},
        )
    if proxy and reason != "timeout":
        return NetworkError(
            _("{host} did not answer {path} through the proxy {proxy}: {reason}.").format(
                host=host, path=path, proxy=proxy, reason=reason_text(reason, read_s)
            ),
            hint=_("Check the proxy (HTTPS_PROXY, ALL_PROXY), or add {host} to NO_PROXY.").format(
                host=host
            ),
            retry_after_s=30.0,
            details={"path": path, "proxy": proxy},
        )
    if local:
        hint = _("Is the sandbox running? `storeops sandbox status` tells.")
    elif reason == "timeout":
        hint = _("Check the network; the profile's limits.timeout_s says how long to wait.")
    elif reason == "tls":
        hint = _("Look for a proxy that opens TLS, and for this machine's date.")
    else:
        hint = _("Check the network and the profile's base URL, then try again.")
    return NetworkError(
        _("{host} did not answer {path}: {reason}.").format(
            host=host, path=path, reason=reason_text(reason, read_s)
        ),
        hint=hint,
        retry_after_s=30.0,
        details={"path": path},
    )


def uncertain(path: str, reason: str, *, read_s: float) -> UncertainError:
    """A write was sent, and what came of it is not known."""
    return UncertainError(
        _("{path} was sent, but no answer of WeCom came: {reason}.").format(
            path=path, reason=reason_text(reason, read_s)
        ),
        hint=_("It may or may not have happened; look before you repeat it."),
        details={"path": path, "uncertain": True},
    )


def field_words(problem: str) -> str:
    """A JSON path in words: "$.list[0].owner" is "owner of list 1"."""
    parts = [
        f"{name} {int(number.rstrip(']')) + 1}" if number else name
        for name, _bracket, number in (
            each.partition("[") for each in problem.removeprefix("$").split(".") if each
        )
    ]
    words = parts[-1] if parts else "JSON"
    for owner in reversed(parts[:-1]):
        words = _("{field} of {owner}").format(field=words, owner=owner)
    return words


def unreadable(path: str, problem: str, *, write: bool) -> NetworkError:
    """WeCom said yes, but the fields are not those of the contract; `problem` has the JSON path."""
    kind = UncertainError if write else ResponseError
    return kind(
        _("The answer of {path} cannot be read: no usable {field}.").format(
            path=path, field=field_words(problem)
        ),
        hint=_("WeCom may have changed this API; report it with the path."),
        details={"path": path, "uncertain": write},
    )


def unreadable_rows(path: str, lost: Sequence[LostRow], *, write: bool) -> NetworkError:
    """Rows that cannot be read, in an answer whose reader needs them all."""
    first = lost[0]
    where = f"$.{first.list_name}[{first.number - 1}]" + f".{first.problem}" * bool(first.problem)
    return unreadable(path, where, write=write)


def lost_row(lost: LostRow) -> ResponseError:
    """One row that cannot be read, named by its id."""
    if lost.problem:
        return ResponseError(
            _("The row {name} cannot be read: no usable {field}.").format(
                name=lost.name, field=field_words(lost.problem)
            )
        )
    return ResponseError(_("The row {name} cannot be read.").format(name=lost.name))


def in_halves(*values: Any) -> bool:
    """Whether a text was not read whole, so that it differs from any other without meaning it."""
    return any("\ufffd" in str(value) for value in values)


def unread_fields(userid: str, external_userid: str, fields: Sequence[str]) -> ResponseError:
    """A relation was read, but not these fields of it, so that nothing can be said of them."""
    return lost_row(
        LostRow(
            "follow_user",
            0,
            {"userid": userid, "external_userid": external_userid},
            ", ".join(fields),
        )
    )


def token_refused(path: str, errcode: int | None) -> AccessError:
    """Even a fresh token is refused; asking for more of them would not help."""
    hint = _("Check that corp id, app and secret belong together, then run `storeops doctor`.")
    return AccessError(
        _("WeCom refuses even a fresh access token ({errcode}).").format(errcode=errcode),
        hint=hint,
        next_steps=["storeops doctor"],
        errcode=errcode,
        details={"path": path},
    )


def redirected(host: str, path: str, location: str) -> ConfigError:
    """A redirect; never followed, since it would turn a POST into a GET (doc 90664)."""
    hint = _("Redirects are not followed; correct the profile's base URL ({url}).")
    return ConfigError(
        _("{host} redirects {path} to another address.").format(host=host, path=path),
        hint=hint.format(url=location),
    )


def unknown_path(host: str, path: str) -> NotFoundError:
    """HTTP 404 with an empty body: WeCom's word for a path it does not have."""
    return NotFoundError(
        _("{host} knows no API {path}.").format(host=host, path=path),
        hint=_("Check the path and the profile's base URL."),
        details={"path": path},
    )


def odd_status(host: str, path: str, reason: str) -> NetworkError:
    """An HTTP status that WeCom never sends; `reason` is "HTTP 403"."""
    error = NetworkError(
        _("{host} answered {path} with {status}.").format(host=host, path=path, status=reason),
        hint=_("WeCom itself always answers 200: look for a proxy in between."),
        details={"path": path, "http_status": int(reason.removeprefix("HTTP "))},
    )
    error.retryable = False
    return error
