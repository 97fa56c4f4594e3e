"""Handover of customers and group chats: who waits, who takes, what was answered, how it ended."""
