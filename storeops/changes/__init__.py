"""Plans, verdicts, policy, journal, undo: everything between a request and its results."""

DOOR = (
    "action", "apply", "control", "copied", "drafts", "elsewhere", "erase", "erased_text",
    "follow_action", "follow_requests", "job_records", "jobs.lease", "jobs.listing",
    "jobs.progress", "jobs.report", "jobs.worker", "journal", "journal_lines", "journal_search",
    "ledger", "loss", "marked", "next_steps", "owner", "pending_work", "plan_cards", "plan_listing",
    "plan_summary", "plan_words", "plans", "policy", "problems", "pruning", "raw", "relations",
    "remembered", "replan", "restore", "row_results", "rows", "seal", "shared", "sheets",
    "submissions", "undo", "verify",
)  # fmt: skip
