"""The fake upstream itself: what it says, and that it goes wrong exactly as it is told."""
