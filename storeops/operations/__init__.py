"""Use cases that both front ends share; one module per domain."""
