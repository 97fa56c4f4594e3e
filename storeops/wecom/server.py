"""WeCom's own servers: whom to let out (doc 92520), whom to let in (doc 90930)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from storeops.wecom.envelope import Response

if TYPE_CHECKING:
    from storeops.wecom.client import WeComClient


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addresses(Response):
    ip_list: tuple[str, ...]


def api_domain_ips(client: WeComClient) -> tuple[str, ...]:
    """GET get_api_domain_ip (doc 92520): addresses of the API, for outbound allow-lists."""
    return client.get("get_api_domain_ip", _Addresses).ip_list
