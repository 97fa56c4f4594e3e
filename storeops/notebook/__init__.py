"""What people added to the mirror: shops, notes, views, marks. Sync never writes here."""

DOOR = ("mark_history", "marks", "notes", "shared", "stores", "views")
