"""Grammars of custom tools."""
