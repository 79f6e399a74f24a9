"""Ways to tell a provider who is calling."""
