"""One head office, many back offices: facts of each shop flow down over NATS JetStream.

Head office publishes what its mirror learns, each shop's part to that shop alone; a back office
without a secret fills its ordinary mirror from there, and asks head office for what is to change.
Streams, rights, replay and encryption are the server's; nothing of a broker is built here.
"""

DOOR = (
    "arriving", "asking", "attempts", "catching_up", "checks", "connection", "credentials",
    "deciding", "decisions", "demo", "domain", "following", "guard", "hosts", "joining",
    "joining_hosts", "office", "outbox", "publishing", "requests", "retention", "revoking",
    "server", "settings", "status", "stores", "submitted", "things",
)  # fmt: skip
