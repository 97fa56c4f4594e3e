"""A connection to the server, and what its errors mean. The only module that knows nats-py."""

from __future__ import annotations

import asyncio
import base64
import logging
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from storeops.errors import AccessError, ConfigError, NetworkError, StoreOpsError
from storeops.hub.credentials import NatsKey
from storeops.hub.rights import inbox
from storeops.hub.settings import addresses, must_be_safe
from storeops.i18n import _

if TYPE_CHECKING:
    from nats.aio.client import Client

CONNECT_S = 5
CLOSE_S = 2


def must_be_installed() -> None:
    """Refuse to go on without the libraries of the extra.

    Raises:
        ConfigError: they are not installed.
    """
    try:
        import nats  # noqa: F401
        import nkeys  # noqa: F401
    except ImportError:
        raise ConfigError(
            _("Head office and back offices need the extra hub."),
            hint=_("Install it: pip install 'storeops[hub]'."),
        ) from None


@asynccontextmanager
async def connected(
    url: str, key: NatsKey, token: str, name: str, ca: str = ""
) -> AsyncIterator[Client]:
    """A connection that is closed at the end; when it breaks, calls raise (see `explain`).

    Args:
        url: of the server, or those of a cluster's with commas: one that answers is taken.
        key: proves who we are.
        token: what that key may do.
        name: what the server's lists show.
        ca: PEM of who signed the server's certificate, "" for those whom the system trusts.

    Raises:
        UsageError: the address would leave this machine unencrypted.
        NetworkError: nobody answers, or not with a certificate that is trusted.
        AccessError: we are not let in.
    """
    must_be_installed()
    must_be_safe(url)
    from nats.aio.client import Client

    client = Client()

    def signature(nonce: str) -> bytes:
        return base64.b64encode(key.sign(nonce.encode()))

    options: dict[str, Any] = {}
    servers = addresses(url)
    if any(each.startswith("tls://") for each in servers):
        logging.getLogger("asyncio").setLevel(logging.ERROR)  # warns of each TLS line that ends
        try:
            options["tls"] = ssl.create_default_context(cadata=ca or None)
        except ssl.SSLError:
            raise ConfigError(_("The certificate in the settings of the hub is none.")) from None
    failed: list[Exception] = []

    async def note(error: Exception) -> None:
        failed.append(error)

    try:
        connecting = client.connect(
            servers,
            name=name,
            user_jwt_cb=lambda: bytearray(token.encode()),
            signature_cb=signature,
            inbox_prefix=inbox(key.public),
            allow_reconnect=False,
            max_reconnect_attempts=1,  # without, nats-py asks sixty times, 2 s apart
            reconnect_time_wait=0,
            connect_timeout=CONNECT_S,
            error_cb=note,
            **options,
        )
        # a handshake that fails nats-py may wait for without end
        await asyncio.wait_for(connecting, (1 + len(servers)) * CONNECT_S)
    except BaseException as error:  # of nats-py, of asyncio, of ssl; or nobody waits any longer
        await shut(client)
        if not isinstance(error, Exception):
            raise
        raise explain(error, url, failed) from None
    try:
        yield client
    except StoreOpsError:
        raise
    except Exception as error:
        known = explain(error, url, failed)
        if known is error:
            raise
        raise known from None
    finally:
        await shut(client)


async def shut(client: Client) -> None:
    """Close a connection, whatever state it is in.

    What failed while it was made, or was cut by the server, nats-py calls closed with its socket
    still open; and for the end of a TLS line that failed it waits without end.
    """
    closing = asyncio.ensure_future(client.close())
    await asyncio.wait([closing], timeout=CLOSE_S)
    closing.cancel()
    transport: Any = client._transport
    if transport is not None:
        with suppress(Exception):
            transport.close()
    await asyncio.wait([closing], timeout=CLOSE_S)
    await asyncio.sleep(0)  # what was closed is called back
    if closing.done() and not closing.cancelled():
        closing.exception()  # nobody else asks


def explain(error: Exception, url: str, before: list[Exception] | None = None) -> Exception:
    """Our error for one of nats-py, asyncio or the system; the error itself when it is a bug.

    Args:
        error: what was raised.
        url: of the server.
        before: what the connection reported while it lasted.
    """
    from nats import errors
    from nats.js import errors as js_errors

    texts = " ".join(str(each).lower() for each in (*(before or ()), error))
    if "authorization" in texts or "authentication" in texts or "permissions violation" in texts:
        return AccessError(
            _("The hub at {address} does not let this profile in.").format(address=url),
            hint=_("Head office has revoked or replaced its key: ask for a new file to join with."),
        )
    if any(isinstance(each, ssl.SSLError) for each in (*(before or ()), error)):
        return NetworkError(
            _("The hub at {address} shows no certificate that is trusted here.").format(
                address=url
            ),
            hint=_("Head office names who signed it with `storeops hub init --tls-ca FILE`."),
        )
    if isinstance(error, js_errors.APIError):
        return NetworkError(
            _("The server of the hub refused: {reason}").format(
                reason=error.description or error.err_code
            )
        )
    if isinstance(error, errors.Error | js_errors.Error | OSError | TimeoutError):
        return NetworkError(
            _("The hub at {address} does not answer.").format(address=url),
            hint=_("Does head office serve its hub? What is here can be read all the same."),
        )
    return error
