"""A computer on models that have a tool for it of their own."""
