"""What pydantic finds wrong with a value, in the words of this house and without the value."""

from __future__ import annotations

from typing import Any

WORDS = {
    "missing": "required",
    "int_parsing": "not a whole number",
    "int_type": "not a whole number",
    "float_parsing": "not a number",
    "float_type": "not a number",
    "finite_number": "not a finite number",
    "bool_parsing": "neither true nor false",
    "bool_type": "neither true nor false",
    "byte_size": "not a size such as 65536 or 64MiB",
    "byte_size_unit": "not a size such as 65536 or 64MiB",
    "string_type": "text is needed here",
    "path_type": "a path is needed here",
    "list_type": "a list is needed here",
    "tuple_type": "a list is needed here",
    "dict_type": "a map is needed here",
    "model_type": "a map is needed here",
    "string_pattern_mismatch": "a character that is not allowed in this name",
}


def in_words(detail: Any) -> str:
    """One sentence for one of pydantic's `ValidationError.errors()`."""
    if detail["type"] in ("too_short", "string_too_short"):
        if detail["ctx"].get("field_type") == "List":
            return "an empty list says nothing"
        return f"too short: at least {detail['ctx']['min_length']} characters"
    said = WORDS.get(detail["type"]) or detail["msg"].removeprefix("Value error, ")
    return said.replace("Input should", "should").replace("Value should", "should")
