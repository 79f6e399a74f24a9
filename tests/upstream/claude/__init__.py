"""What is known of Claude."""
