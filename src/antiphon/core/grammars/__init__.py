"""Grammars of clients' tools: read without running anything of them, judged by within bounds.

judge.py         is this text of that grammar, and if not, where
notation.py      a grammar in Lark's notation, to a tree
rules.py         the tree, to rules and terminals
recogniser.py    rules, terminals and a text, to yes or no
expressions.py   regular expressions as Rust writes them
common.py        the terminals that grammars import
"""
