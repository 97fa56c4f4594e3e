"""What people added to the mirror: shops, notes, views, marks. Sync never writes here."""
