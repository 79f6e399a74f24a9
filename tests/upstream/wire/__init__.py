"""Framings of upstream streams."""
