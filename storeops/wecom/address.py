"""Where WeCom lives: the base URL of a profile, and one spelling for every API path."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

from storeops.errors import ConfigError, UsageError
from storeops.i18n import _

DEFAULT_BASE_URL = "https://qyapi.weixin.qq.com"

_PATH = re.compile(r"[A-Za-z0-9_]+(/[A-Za-z0-9_]+)*\Z")


def is_loopback(host: str) -> bool:
    """Whether `host` (a name or an address) is this machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def check_base_url(base_url: str) -> str:
    """`base_url` without a trailing slash or `/cgi-bin`.

    Raises:
        ConfigError: not https (only loopback may speak http), no host, or with user name, password,
            query or fragment in it.
    """
    try:
        parts = urlsplit(base_url.strip())
        host = parts.hostname or ""
        _port = parts.port
    except ValueError:
        parts, host = urlsplit(""), ""
    hint = _("Use {url}, or http:// with a loopback address for a sandbox.").format(
        url=DEFAULT_BASE_URL
    )
    if not host or parts.username is not None or parts.query or parts.fragment:
        raise ConfigError(_("The base URL of WeCom is not a plain address."), hint=hint)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise ConfigError(
            _("The base URL of WeCom must begin with https:// ({host}).").format(host=host),
            hint=hint,
        )
    path = parts.path.rstrip("/").removesuffix("/cgi-bin")
    return f"{parts.scheme}://{parts.netloc}{path}"


def api_path(path: str) -> str:
    """The one spelling of an API: "externalcontact/get", without "/cgi-bin/".

    Raises:
        UsageError: a whole URL, a query, or characters that no WeCom path has.
    """
    text = path.strip().lstrip("/").removeprefix("cgi-bin/")
    if not _PATH.match(text):
        raise UsageError(
            _("This is not the path of a WeCom API."),
            hint=_("Write it like externalcontact/get; parameters go into options of their own."),
        )
    return text
