"""Sentences for what can go wrong on the wire, each with its next step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from storeops.errors import AccessError, ConfigError, NetworkError, NotFoundError
from storeops.i18n import N_, kept
from storeops.wecom.errors import ResponseError, StoppedError, UncertainError
from storeops.wecom.oddities import LostRow


def reason_text(reason: str, read_s: float) -> str:
    """A transport's reason as a text to be kept; "HTTP 502" stays as it is."""
    words = {
        "connect": kept(N_("no connection")),
        "timeout": kept(N_("no answer within {seconds} s"), seconds=f"{read_s:g}"),
        "late": kept(N_("no answer in time")),
        "cut": kept(N_("the connection was cut")),
        "tls": kept(N_("the certificate is not trusted")),
        "protocol": kept(N_("the answer was broken off")),
        "packed": kept(N_("it is packed in a way nobody asked for")),
        "large": kept(N_("it is larger than any answer of WeCom")),
        "answer": kept(N_("it is not JSON")),
        "errcode": kept(N_("it has no errcode")),
    }
    if reason.startswith("proxy "):
        return kept(N_("the proxy refuses ({status})"), status=reason.removeprefix("proxy "))
    return words.get(reason, reason)


def stopped() -> StoppedError:
    """Somebody asked to stop."""
    return StoppedError(kept(N_("Stopped; what was answered is kept.")))


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
            kept(
                N_("{host} answered {path}, but not as WeCom does: {reason}."),
                host=host,
                path=path,
                reason=reason_text(reason, read_s),
            ),
            hint=kept(N_("Look for a proxy or a login page between this machine and WeCom.")),
            retry_after_s=30.0,
            details={"path": path},
        )
    if proxy and reason != "timeout":
        return NetworkError(
            kept(
                N_("{host} did not answer {path} through the proxy {proxy}: {reason}."),
                host=host,
                path=path,
                proxy=proxy,
                reason=reason_text(reason, read_s),
            ),
            hint=kept(
                N_("Check the proxy (HTTPS_PROXY, ALL_PROXY), or add {host} to NO_PROXY."),
                host=host,
            ),
            retry_after_s=30.0,
            details={"path": path, "proxy": proxy},
        )
    if local:
        hint = kept(N_("Is the sandbox running? `storeops sandbox status` tells."))
    elif reason == "timeout":
        hint = kept(N_("Check the network; the profile's limits.timeout_s says how long to wait."))
    elif reason == "tls":
        hint = kept(N_("Look for a proxy that opens TLS, and for this machine's date."))
    else:
        hint = kept(N_("Check the network and the profile's base URL, then try again."))
    return NetworkError(
        kept(
            N_("{host} did not answer {path}: {reason}."),
            host=host,
            path=path,
            reason=reason_text(reason, read_s),
        ),
        hint=hint,
        retry_after_s=30.0,
        details={"path": path},
    )


def uncertain(path: str, reason: str, *, read_s: float) -> UncertainError:
    """A write was sent, and what came of it is not known."""
    return UncertainError(
        kept(
            N_("{path} was sent, but no answer of WeCom came: {reason}."),
            path=path,
            reason=reason_text(reason, read_s),
        ),
        hint=kept(N_("It may or may not have happened; look before you repeat it.")),
        details={"path": path, "uncertain": True},
    )


def field_words(problem: str) -> str:
    """A JSON path in words to be kept: "$.list[0].owner" is "owner of list 1"."""
    parts = [
        f"{name} {int(number.rstrip(']')) + 1}" if number else name
        for name, _bracket, number in (
            each.partition("[") for each in problem.removeprefix("$").split(".") if each
        )
    ]
    words = parts[-1] if parts else "JSON"
    for owner in reversed(parts[:-1]):
        words = kept(N_("{field} of {owner}"), field=words, owner=owner)
    return words


def unreadable(path: str, problem: str, *, write: bool) -> NetworkError:
    """WeCom said yes, but the fields are not those of the contract; `problem` has the JSON path."""
    kind = UncertainError if write else ResponseError
    return kind(
        kept(
            N_("The answer of {path} cannot be read: no usable {field}."),
            path=path,
            field=field_words(problem),
        ),
        hint=kept(N_("WeCom may have changed this API; report it with the path.")),
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
            kept(
                N_("The row {name} cannot be read: no usable {field}."),
                name=lost.name,
                field=field_words(lost.problem),
            )
        )
    return ResponseError(kept(N_("The row {name} cannot be read."), name=lost.name))


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
    hint = kept(
        N_("Check that corp id, app and secret belong together, then run `storeops doctor`.")
    )
    return AccessError(
        kept(N_("WeCom refuses even a fresh access token ({errcode})."), errcode=errcode),
        hint=hint,
        next_steps=["storeops doctor"],
        errcode=errcode,
        details={"path": path},
    )


def redirected(host: str, path: str, location: str) -> ConfigError:
    """A redirect; never followed, since it would turn a POST into a GET (doc 90664)."""
    hint = N_("Redirects are not followed; correct the profile's base URL ({url}).")
    return ConfigError(
        kept(N_("{host} redirects {path} to another address."), host=host, path=path),
        hint=kept(hint, url=location),
    )


def unknown_path(host: str, path: str) -> NotFoundError:
    """HTTP 404 with an empty body: WeCom's word for a path it does not have."""
    return NotFoundError(
        kept(N_("{host} knows no API {path}."), host=host, path=path),
        hint=kept(N_("Check the path and the profile's base URL.")),
        details={"path": path},
    )


def odd_status(host: str, path: str, reason: str) -> NetworkError:
    """An HTTP status that WeCom never sends; `reason` is "HTTP 403"."""
    error = NetworkError(
        kept(N_("{host} answered {path} with {status}."), host=host, path=path, status=reason),
        hint=kept(N_("WeCom itself always answers 200: look for a proxy in between.")),
        details={"path": path, "http_status": int(reason.removeprefix("HTTP "))},
    )
    error.retryable = False
    return error
