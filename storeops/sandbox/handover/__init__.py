"""Handover of customers and group chats (04): what was asked, what people do, how it ends."""
