"""Try an app's secret before it is kept: a token, and one harmless read from this machine."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from storeops.errors import AccessError, StoreOpsError

if TYPE_CHECKING:
    from storeops.clock import Clock
    from storeops.config import Profile

CONNECT_S, READ_S, WHOLE_S = 5.0, 10.0, 20.0


@dataclass(frozen=True, slots=True)
class Tried:
    """What was learnt of a secret that WeCom did not refuse.

    Attributes:
        status: works | ip (it works, this machine's IP is not let in) | unanswered.
        error: why it is not simply "works", None when it is.
    """

    status: Literal["works", "ip", "unanswered"]
    error: StoreOpsError | None = None


def try_secret(profile: Profile, secret: str, clock: Clock, stop: threading.Event) -> Tried:
    """Get a token with the secret (doc 91039), and read with it (doc 92520). Keeps nothing.

    Args:
        profile: as it would be saved.
        secret: the app's.
        clock: WeCom's time.
        stop: ends the waiting.

    Raises:
        AccessError, WeComError: WeCom refuses the secret, or does not know the corpid.
        ConfigError: the address cannot be used.
        StoppedError: `stop` was set.
    """
    from storeops.limits.memory import MemoryLimiter, MemoryTokenStore
    from storeops.retrying import ONCE
    from storeops.wecom import server
    from storeops.wecom.client import GETTOKEN, WeComClient
    from storeops.wecom.errcodes import ErrorCondition
    from storeops.wecom.errors import StoppedError, WeComError, has_condition
    from storeops.wecom.transport import Timeouts

    with WeComClient(
        base_url=profile.base_url,
        corp_id=profile.corp_id,
        agent_id=profile.agent_id,
        secret=lambda: secret,
        tokens=MemoryTokenStore(clock),
        limiter=MemoryLimiter(clock),
        clock=clock,
        stop=stop,
        wait=False,
        timeouts=Timeouts(connect_s=CONNECT_S, read_s=READ_S, whole_s=WHOLE_S),
        retries=ONCE,
    ) as client:
        try:
            server.api_domain_ips(client)
        except StoppedError:
            raise
        except WeComError as error:
            if has_condition(error, ErrorCondition.IP):
                return Tried("ip", error)
            if error.path != GETTOKEN:  # a token was given
                return Tried("works")
            if not error.retryable:
                raise
            return Tried("unanswered", error)
        except AccessError:
            raise
        except StoreOpsError as error:
            return Tried("unanswered", error)
    return Tried("works")
