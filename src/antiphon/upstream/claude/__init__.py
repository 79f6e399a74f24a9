"""What all who speak to Claude need to know of it, whichever language they speak. Pure."""
