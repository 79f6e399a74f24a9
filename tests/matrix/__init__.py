"""One conversation, its provider changing at each turn: every dialect gets what every other has said.

conversation.py   what the client asks in each turn, and what the model is to answer
fakes/            a provider for each dialect: it holds requests to its rules, and answers in its own wire
stage.py          the fakes behind one port, and the gateway before them
"""
