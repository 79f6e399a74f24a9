"""Ways to tell a provider who is calling, where a fixed header will not do."""
