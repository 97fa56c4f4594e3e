"""SQLite files: open, lock, migrate, back up, check. No domain in here."""
