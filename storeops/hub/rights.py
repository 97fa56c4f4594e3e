"""Who may do what at the server: accounts and users, as tokens.

Head office owns one account with the streams; all back offices live in another one, which holds
nothing and sees of the first only three services: the next messages of a shop's own consumer, a
greeting to head office, and what is asked of it. Each user may ask these of its own shop alone.
What crosses between accounts gets a reply address of the server's making, so that nobody can have a
delivery sent to a subject of head office.

Shops are spread over PARTS streams by their number, for the server goes through all messages of a
stream for each consumer that waits there. Which one a shop is in only the server and head office
know: shops ask at one name, and the server puts the right one in its place.
"""

from __future__ import annotations

from collections.abc import Mapping

from storeops.hub.credentials import account_token, operator_token, user_token
from storeops.hub.settings import HubSettings

STREAM = "FACTS"  # what shops call it
PARTS = 16  # with 1,500 shops some hundred in each; what everybody gets is kept in every one


def part(store: int) -> int:
    """Which part a shop is in: FNV-1a of its consumer's name, as the server's `partition` finds it
    (https://docs.nats.io/nats-concepts/subject_mapping#deterministic-subject-token-partitioning).

    Args:
        store: department id of the shop.
    """
    found = 0x811C9DC5
    for byte in consumer(store).encode():
        found = (found ^ byte) * 0x01000193 & 0xFFFFFFFF
    return found % PARTS


def stream(number: int) -> str:
    """Name of the stream of a part: its number alone, as the server can put it in the place of
    STREAM."""
    return str(number)


def stream_of(store: int) -> str:
    """Name of the stream that a shop's messages are in."""
    return stream(part(store))


def consumer(store: int) -> str:
    """Name of the consumer of a shop."""
    return f"shop-{store}"


def next_subject(name: str, of: str = STREAM) -> str:
    """Where the next messages of a consumer are asked for, by shops; by the server, of a part."""
    return f"$JS.API.CONSUMER.MSG.NEXT.{of}.{name}"


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
            office: office_token(settings, at),
            shops: shops_token(settings, revoked, at),
        },
    )


def office_token(settings: HubSettings, at: float) -> str:
    """Head office's account."""
    return account_token(
        settings.key("operator"),
        settings.key("office").public,
        "OFFICE",
        at,
        streams=True,
        exports=_services(None),
        mappings={
            next_subject("*"): next_subject("{{wildcard(1)}}", f"{{{{partition({PARTS},1)}}}}")
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
