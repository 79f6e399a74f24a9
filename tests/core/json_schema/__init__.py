"""Schemas of clients: patterns, and judging by them."""
