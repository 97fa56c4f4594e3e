"""A scope of sync: the guides of the chain, as the till wants them."""

from storeops.errors import StoreOpsError
from storeops.sync.scopes import SyncScope


def read(session):
    """All members with customer contact."""
    from storeops.wecom import customers

    session.count_call()
    try:
        found = customers.list_follow_users(session.client)
    except StoreOpsError as error:
        session.fail("loyalty", error)
        return "failed"
    with session.db.atomic() as connection:
        connection.execute("DELETE FROM loyalty_guide")
        connection.executemany("INSERT INTO loyalty_guide VALUES (?)", [(each,) for each in found])
    return "complete"


SCOPE = SyncScope(
    "loyalty", "externalcontact/get_follow_user_list", 1000, "acme_loyalty.scope:read"
)
