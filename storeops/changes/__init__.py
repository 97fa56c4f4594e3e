"""Plans, verdicts, policy, journal, undo: everything between a request and its results."""

DOOR = (
    "action", "answers", "apply", "book", "control", "drafts", "erase", "follow_action",
    "follow_requests",
    "jobs.listing", "jobs.overview", "jobs.report", "jobs.worker", "journal", "journal_lines",
    "journal_search", "ledger", "loss", "marked", "next_steps", "open_ends", "owner", "plan_cards",
    "plan_listing", "plan_summary", "plan_words", "plans", "policy", "problems", "pruning", "raw",
    "relations", "remembered", "replan", "restore", "seal", "sheets", "undo", "verify",
)  # fmt: skip
