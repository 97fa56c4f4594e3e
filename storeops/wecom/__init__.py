"""The WeCom API and nothing else: transport, error table, one module per API domain.

It declares the ports it needs (`ports.Limiter`, `ports.TokenStore`) and imports none of the rooms
above it.
"""

DOOR = (
    "address", "client", "contact_ways", "contacts", "customers", "errcode_table", "errcodes",
    "errors", "failures", "groups", "handover", "messages", "oddities", "paging", "ports", "server",
    "tags", "transport", "welcome",
)  # fmt: skip
