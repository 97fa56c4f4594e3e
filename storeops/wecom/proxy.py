"""The proxy that the environment names for WeCom: checked first, shown without its password."""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib.util import find_spec
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from storeops.errors import ConfigError
from storeops.i18n import _
from storeops.wecom.address import is_loopback

_SOCKS = ("socks5", "socks5h")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy; `url` may hold a password, `shown` never does."""

    url: str = field(repr=False)
    shown: str


def proxy_for(base_url: str) -> Proxy | None:
    """The proxy between this machine and `base_url`; None when there is none.

    Raises:
        ConfigError: the environment names one that cannot be used.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    found = getproxies()
    url = found.get(parts.scheme) or found.get("all") or ""
    if not url or is_loopback(host) or proxy_bypass(host):
        return None
    url = url if "://" in url else f"http://{url}"
    scheme, _colon, rest = url.partition("://")
    shown = f"{scheme}://{rest.rpartition('@')[2].partition('/')[0]}"
    if trouble := _trouble(url):
        raise ConfigError(
            _("The proxy {proxy} of the environment cannot be used: {reason}.").format(
                proxy=shown, reason=trouble
            ),
            hint=_("Correct HTTPS_PROXY or ALL_PROXY, or add {host} to NO_PROXY.").format(
                host=host
            ),
        )
    return Proxy(url, shown)


def _trouble(url: str) -> str:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return _("its address or port is not valid")
    if not host or port == 0:
        return _("its address or port is not valid")
    if parts.scheme in _SOCKS and find_spec("socksio") is None:
        return _("the Python package socksio, which speaks SOCKS, is not installed")
    if parts.scheme not in ("http", "https", *_SOCKS):
        return _("its kind must be http, https or socks5")
    return ""
