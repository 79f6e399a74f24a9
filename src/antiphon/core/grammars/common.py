"""The terminals that a grammar gets from `%import common`, as Lark defines them.

Names and meaning: https://github.com/lark-parser/lark/blob/master/lark/grammars/common.lark
"""

from __future__ import annotations

from types import MappingProxyType

_INT = "[0-9]+"
_DECIMAL = r"(?:[0-9]+\.[0-9]*|\.[0-9]+)"
_EXP = "[eE][+-]?[0-9]+"
_FLOAT = f"(?:{_INT}{_EXP}|{_DECIMAL}(?:{_EXP})?)"
_NUMBER = f"(?:{_FLOAT}|{_INT})"

COMMON = MappingProxyType(
    {
        "DIGIT": "[0-9]",
        "HEXDIGIT": "[0-9a-fA-F]",
        "INT": _INT,
        "SIGNED_INT": f"[+-]?{_INT}",
        "DECIMAL": _DECIMAL,
        "_EXP": _EXP,
        "FLOAT": _FLOAT,
        "SIGNED_FLOAT": f"[+-]?{_FLOAT}",
        "NUMBER": _NUMBER,
        "SIGNED_NUMBER": f"[+-]?{_NUMBER}",
        "ESCAPED_STRING": r'"(?:[^"\\\n]|\\[^\n])*"',
        "LCASE_LETTER": "[a-z]",
        "UCASE_LETTER": "[A-Z]",
        "LETTER": "[a-zA-Z]",
        "WORD": "[a-zA-Z]+",
        "CNAME": "[_a-zA-Z][_a-zA-Z0-9]*",
        "WS_INLINE": r"[ \t]+",
        "WS": r"[ \t\f\r\n]+",
        "CR": r"\r",
        "LF": r"\n",
        "NEWLINE": r"(?:\r?\n)+",
        "SH_COMMENT": r"#[^\n]*",
        "CPP_COMMENT": r"//[^\n]*",
        "C_COMMENT": r"/\*(?:[^*]|\*+[^*/])*\*+/",
        "SQL_COMMENT": r"--[^\n]*",
    }
)
"""Regular expressions, by name."""
