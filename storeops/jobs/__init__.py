"""Queue, lease and worker: carry out Actions by name; know no domain."""
