"""Programs that make files of the project from other people's data; run by hand, from the Makefile."""
