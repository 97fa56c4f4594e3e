"""Use cases that both front ends share; one module per domain."""

DOOR = (
    "alarms", "at_once", "doctor", "domains", "erasure", "events", "gaps", "health", "marks",
    "completion_values", "ownership", "reports", "secret_check", "status", "today", "wiring",
)  # fmt: skip
