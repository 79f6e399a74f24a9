"""The computer on models that have a tool for it of their own.

    the answer    calls of that tool ──calls.py──▶ a computer_call, with its actions
    the history   a computer_call ──the dialect──▶ calls of that tool, and their results

    actions.py   what both sides do            keys.py      what keys are called
    calls.py     the way back, as a filter     screens.py   how large the screen is

Each dialect that has such a tool has a `computer.py`, which is its `Language`. What a call says that the
actions of the Responses API do not is sealed beside it: so the model reads its own calls as it made them.
"""
