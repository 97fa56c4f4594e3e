"""Who may do what at the server: accounts and users, as tokens.

Head office owns one account with the stream; all back offices live in another one, which holds
nothing and sees of the first only four services: the next messages of a shop's own consumer, the
acknowledgement of these, a greeting to head office, and what is asked of it. Each user may ask
these of its own shop alone. What crosses between accounts gets a reply address of the server's
making, so that nobody can have a delivery sent to a subject of head office.
"""

from __future__ import annotations

from collections.abc import Mapping

from storeops.hub.credentials import account_token, operator_token, user_token
from storeops.hub.settings import HubSettings

STREAM = "FACTS"


def consumer(store: int) -> str:
    """Name of the consumer of a shop."""
    return f"shop-{store}"


def next_subject(name: str) -> str:
    """Where the next messages of a consumer are asked for."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{STREAM}.{name}"


def hello_subject(store: int | str) -> str:
    """Where a shop greets head office."""
    return f"hub.hello.{store}"


def ask_subject(store: int | str) -> str:
    """Where a shop asks head office to carry out a plan."""
    return f"hub.ask.{store}"


def inbox(user: str) -> str:
    """Prefix of the answers to one user."""
    return f"_INBOX.{user}"


def tokens_of_server(
    settings: HubSettings, revoked: Mapping[str, int], at: float
) -> tuple[str, str, dict[str, str]]:
    """What a server's configuration names.

    Args:
        settings: of head office.
        revoked: public key of a user → Unix seconds.
        at: Unix seconds.

    Returns:
        The operator's token, the system account, and each account's token by its public key.
    """
    operator = settings.key("operator")
    system, office, shops = (settings.key(name).public for name in ("system", "office", "shops"))
    return (
        operator_token(operator, system, at),
        system,
        {
            system: account_token(operator, system, "SYS", at),
            office: account_token(
                operator, office, "OFFICE", at, streams=True, exports=_services(None)
            ),
            shops: shops_token(settings, revoked, at),
        },
    )


def shops_token(settings: HubSettings, revoked: Mapping[str, int], at: float) -> str:
    """The account of all back offices, with those that are let in no more."""
    return account_token(
        settings.key("operator"),
        settings.key("shops").public,
        "SHOPS",
        at,
        imports=_services(settings.key("office").public),
        revoked=revoked,
    )


def _services(account: str | None) -> list[dict[str, object]]:
    """Services as the office exports them (None), or as shops import them from it."""
    found: list[dict[str, object]] = []
    for name, subject, response in (
        ("next", next_subject("*"), "Stream"),
        ("ack", f"$JS.ACK.{STREAM}.>", "Singleton"),
        ("hello", hello_subject("*"), "Singleton"),
        ("ask", ask_subject("*"), "Singleton"),
    ):
        each: dict[str, object] = {"name": name, "subject": subject, "type": "service"}
        if account is None:
            each["response_type"] = response
        else:
            each |= {"account": account, "local_subject": subject}
        found.append(each)
    return found


def shop_token(settings: HubSettings, store: int, user: str, at: float) -> str:
    """The user of one back office: its own consumer, its own greeting and requests, nothing else.

    Args:
        settings: of head office.
        store: department id of the shop.
        user: public key.
        at: Unix seconds.
    """
    return user_token(
        settings.key("shops"),
        user,
        f"shop-{store}",
        at,
        publish=[
            next_subject(consumer(store)),
            f"$JS.ACK.{STREAM}.{consumer(store)}.>",
            hello_subject(store),
            ask_subject(store),
        ],
        subscribe=[f"{inbox(user)}.>"],
    )  # fmt: skip


def publisher_token(settings: HubSettings, at: float) -> str:
    """Head office's own user, in the account with the stream."""
    user = settings.key("publisher").public
    return user_token(settings.key("office"), user, "head-office", at)


def admin_token(settings: HubSettings, at: float) -> str:
    """Head office's user in the system account: tells servers who is let in no more."""
    user = settings.key("admin").public
    return user_token(settings.key("system"), user, "head-office-admin", at)
