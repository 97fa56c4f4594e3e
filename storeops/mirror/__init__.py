"""Facts: what WeCom said. Schema, the door through which facts come in, search, filter, timeline."""
