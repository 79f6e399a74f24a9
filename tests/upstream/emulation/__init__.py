"""Tools that a provider does not have, met by functions."""
