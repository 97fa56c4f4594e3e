"""What a refusal means to a sync: about one member, about one page, or about everything."""

from __future__ import annotations

from storeops.errors import NetworkError, StoreOpsError
from storeops.wecom.errcodes import Reach
from storeops.wecom.errors import ResponseError, reach_of

SILENCES = 6  # answers that failed to come, in a row, before the network counts as gone


def ends_scope(error: StoreOpsError) -> bool:
    """Whether asking for others is pointless: access, configuration, and limits that stay."""
    return reach_of(error) is Reach.EVERYTHING


def unreachable(error: StoreOpsError) -> bool:
    """Whether no answer of WeCom came (after the client's own tries); an odd one is an answer."""
    return isinstance(error, NetworkError) and not isinstance(error, ResponseError)
