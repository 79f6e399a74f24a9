"""Media that URLs lead to: what may be fetched, and what comes of it."""
