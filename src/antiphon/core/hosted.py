"""What a tool did that a provider ran itself, told as a call of a function and its output. Pure.

So a model hears of it that does not have the tool, or cannot take back what another one sealed.

    mcp_call                 the tool's own name and arguments; its output, or its error
    code_interpreter_call    code_interpreter {"code"}; what it logged

Searches are not told: what they found is in the answer that came of it, and often nowhere else.
"""

from __future__ import annotations

from typing import Any

from antiphon.protocol.json import JSON, encode

AS_FUNCTION = "what a hosted tool did is said as a call of a function"


def as_function(item: JSON) -> tuple[JSON, JSON] | None:
    """The call and its output, in Responses shape; None: there is nothing to tell."""
    match item.get("type"):
        case "mcp_call":
            output, error = item.get("output"), item.get("error")
            return _pair(item, item.get("name"), item.get("arguments"), error if output is None else output)
        case "code_interpreter_call" if item.get("code"):
            return _pair(item, "code_interpreter", {"code": item["code"]}, _logs(item.get("outputs")))
        case _:
            return None


def _pair(item: JSON, name: Any, arguments: Any, output: Any) -> tuple[JSON, JSON]:
    call_id = str(item.get("call_id") or item.get("id") or "")
    call: JSON = {"type": "function_call", "call_id": call_id, "name": str(name or "tool")}
    return (
        {**call, "arguments": _text(arguments) or "{}"},
        {"type": "function_call_output", "call_id": call_id, "output": _text(output)},
    )


def _logs(outputs: Any) -> str:
    parts = outputs if isinstance(outputs, list) else []
    logs = (part.get("logs") for part in parts if isinstance(part, dict))
    return "\n".join(text for text in logs if isinstance(text, str) and text)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else encode(value).decode()
