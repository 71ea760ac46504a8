"""Tariffs: which bucket an hour belongs to, and what it costs."""
