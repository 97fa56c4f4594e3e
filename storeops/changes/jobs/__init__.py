"""Jobs: the calls of plans, queued, claimed, sent and settled."""
