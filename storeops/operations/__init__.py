"""Use cases that both front ends share; one module per domain."""

DOOR = (
    "doctor", "erasure", "events", "health", "marks", "offers", "ownership", "reports",
    "secret_check", "status", "today",
)  # fmt: skip
