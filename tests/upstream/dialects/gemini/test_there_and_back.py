"""Any answer, given back: part by part what Google said, every signature where it was."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon.upstream.dialects.gemini import Gemini
from tests.play import play, stream_deltas
from tests.upstream.dialects.gemini.checker import check
from tests.upstream.dialects.gemini.official import judge
from tests.upstream.dialects.gemini.speaking import (
    calls,
    chunk,
    message,
    result,
    say,
    text,
    thought,
    user,
    wire,
)

NEW = "gemini-3-flash-preview"
WORDS = st.text("aø漢😀 \n", max_size=5)
SIGNATURE = st.sampled_from(["c2ln", "AbCd+w==", "x-_w"])


@st.composite
def parts(draw: st.DrawFn) -> dict[str, Any]:
    """One part of an answer."""
    signed = {"thoughtSignature": draw(SIGNATURE)} if draw(st.booleans()) else {}
    match draw(st.sampled_from(["text", "text", "thought", "call", "code", "search", "bare"])):
        case "text":
            return text(draw(WORDS), **signed)
        case "thought":
            return thought(draw(WORDS), **signed)
        case "call":
            args = draw(st.dictionaries(st.sampled_from("ab"), st.integers(0, 9), max_size=2))
            return calls(draw(st.sampled_from(["f", "g"])), args, **signed)
        case "code":
            return {"executableCode": {"language": "PYTHON", "code": draw(WORDS)}, **signed}
        case "search":
            return {
                "toolCall": {"id": "1", "toolType": "GOOGLE_SEARCH_WEB", "args": {"queries": ["q"]}},
                **signed,
            }
        case _:
            return text("", **signed)


def plain(said: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As it can come back: without unsigned thoughts and empty texts, unsigned texts in a row as one.

    Ids of calls are the gateway's own; the mark on unsigned calls is not a signature.
    """
    kept: list[dict[str, Any]] = []
    for part in said:
        part = {key: value for key, value in part.items() if value != "skip_thought_signature_validator"}
        if "functionCall" in part:
            part["functionCall"] = {key: part["functionCall"][key] for key in ("name", "args")}
        unsigned = "thoughtSignature" not in part
        if unsigned and (part.get("thought") or part.get("text") == ""):
            continue
        if unsigned and kept and kept[-1].keys() == part.keys() == {"text"}:
            kept[-1] = {"text": kept[-1]["text"] + part["text"]}
        else:
            kept.append(part)
    return kept


@settings(max_examples=300, deadline=None)
@given(st.lists(st.lists(parts(), min_size=1, max_size=4), min_size=1, max_size=5))
def test_any_answer_in_any_chunks_goes_back_as_it_came(chunks: list[list[dict[str, Any]]]) -> None:
    stream = wire(*(chunk(*each) for each in chunks), chunk(finish="STOP"))
    items = play(stream_deltas(Gemini(), [stream]))[1].said
    outputs = [result(item["call_id"]) for item in items if item["type"] == "function_call"]
    request = say(model=NEW, items=[user("a"), *items, *outputs, user("b")])
    check(request)
    judge(request.body)
    said = [
        part
        for content in request.body["contents"]
        if content["role"] == "model"
        for part in content["parts"]
    ]
    assert plain(said) == plain([part for each in chunks for part in each])


@st.composite
def conversations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Items in any order, with an output for each call somewhere behind it."""
    items: list[dict[str, Any]] = []
    waiting: list[str] = []
    for number in range(draw(st.integers(0, 12))):
        kind = draw(
            st.sampled_from(["user", "assistant", "developer", "call", "output", "reasoning", "search"])
        )
        if kind == "call":
            waiting.append(f"c{number}")
            items.append({"type": "function_call", "call_id": f"c{number}", "name": "f", "arguments": "{}"})
        elif kind == "output" and waiting:
            items.append(result(waiting.pop(draw(st.integers(0, len(waiting) - 1)))))
        elif kind == "reasoning":
            items.append(
                {"type": "reasoning", "summary": [], "encrypted_content": draw(st.sampled_from(SEALS))}
            )
        elif kind == "search":
            items.append({"type": "web_search_call", "status": "completed"})
        elif kind != "output":
            items.append(message(kind, *draw(st.lists(WORDS, max_size=2))))
    return [*items, *map(result, waiting)]


SEALS = [
    "anthropic:x",
    'gemini:[{"call": "f", "signature": "c2ln"}]',
    'gemini:[{"text": [0, 1], "signature": "c2ln"}, {"text": [1, 1], "signature": "dA=="}]',
    'gemini:[{"text": [3, 9], "signature": "c2ln"}, {"call": "f", "signature": "dA=="}]',
    'gemini:[{"thought": [0, 0], "signature": "c2ln"}]',
    'gemini:[{"part": {"executableCode": {"code": "1"}}}]',
    'gemini:[{"image": "image/png", "signature": "c2ln"}]',
]


@settings(max_examples=300, deadline=None)
@given(conversations(), st.sampled_from(["gemini-2.5-flash", NEW, "gemini-4-argon"]))
def test_any_conversation_makes_contents_that_google_takes(items: list[dict[str, Any]], model: str) -> None:
    request = say(model=model, items=items)
    check(request)
    judge(request.body)
