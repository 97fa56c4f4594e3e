"""The governor and the token store: WeCom's limits and one token, shared by all processes."""

DOOR = ("governor", "handing_over", "limits", "memory", "offset", "outlook", "tokens")
