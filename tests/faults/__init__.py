"""The matrix of faults: every way in which the fake upstream goes wrong, in every dialect, through a gateway.

A sample of it is part of every run of the tests; `make chaos-upstream` runs all of it, and prints the table.
"""
