"""JSON schemas of clients: read forgivingly, judged by within bounds. No network, no backtracking."""
