"""Providers in miniature: each speaks one dialect, checks what it is asked, and remembers what it sealed."""
