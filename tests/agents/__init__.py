"""Agents as people install them, run headless against a gateway with a scripted model behind it."""
