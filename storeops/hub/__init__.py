"""One head office, many back offices: facts of each shop flow down over NATS JetStream.

Head office publishes what its mirror learns, each shop's part to that shop alone; a back office
without a secret fills its ordinary mirror from there. Streams, rights, replay and encryption are
the server's; nothing of a broker is built here.
"""

DOOR = (
    "arriving", "checks", "connection", "credentials", "demo", "domain", "following", "joining",
    "office", "outbox", "publishing", "server", "settings", "status", "stores", "things",
)  # fmt: skip
