"""Facts: what WeCom said, and how it is searched, filtered and remembered."""

DOOR = (
    "bytemap", "called", "chat_owner", "chats", "column_store", "facts", "forget", "identity",
    "indexes", "keys", "labels", "leavers", "members", "meta", "search", "shared", "tag_names",
    "timeline",
)  # fmt: skip
