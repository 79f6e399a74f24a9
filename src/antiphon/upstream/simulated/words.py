"""The simulated tokenizer: a token is a word, or sixteen characters of a longer one.

White space belongs to the word after it, at the end of the text to the last word, as with most real
tokenizers. Every token of an answer is one streamed piece, so usage can be checked by counting deltas.
Real tokens (`upstream.tokens`) would cost a table of 48 MB, which a model without a mind need not have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from antiphon.core.turn import Turn
from antiphon.protocol.json import encode
from antiphon.upstream.simulated.history import texts

_PIECE = re.compile(r"\s*+\S{1,16}(?:\s++\Z)?")
_WORD = re.compile(r"\S{1,16}")


def pieces(text: str) -> Iterator[str]:
    """The tokens of `text`; put together they are `text`."""
    if text.isspace():
        yield text  # the pattern would look at every tail of it
        return
    for match in _PIECE.finditer(text):
        yield match.group()


def count_text(text: str) -> int:
    """How many pieces `text` has."""
    return len(_WORD.findall(text)) or bool(text)


def count_turn(turn: Turn) -> int:
    """Tokens of the instructions, of all texts in the items, and of the tools and format as JSON.

    An image, a file or an item of an unknown kind counts as the few words it is described by.
    """
    total = count_text(turn.instructions or "")
    total += sum(count_text(text) for item in turn.items for text in texts(item))
    total += sum(count_text(encode(tool).decode()) for tool in turn.tools)
    answer_format = (turn.text or {}).get("format")
    return total + (count_text(encode(answer_format).decode()) if answer_format else 0)
