"""What WeCom calls back about: received, kept, then read again from WeCom into the mirror."""

DOOR = (
    "crypto",
    "handling",
    "inbox",
    "kinds",
    "listing",
    "message",
    "readers",
    "receiver",
    "server",
)
