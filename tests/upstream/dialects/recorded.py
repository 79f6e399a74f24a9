"""Recordings as the gateway plays them: through the value of their provider, filters and assembler too.

And what was recorded, read apart from all that: the JSON of each event, nothing more.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from antiphon.core.deltas import Delta
from antiphon.core.fold import fold
from antiphon.protocol.events import Event
from antiphon.upstream.base import Provider
from antiphon.upstream.providers import PROVIDERS
from tests.play import DIALECTS, answer_deltas, play, stream_deltas
from tests.recordings import Recording

JSON = dict[str, Any]


def provider_of(recording: Recording) -> Provider:
    """The built-in one that speaks the recording's dialect; for others, one as an operator would write it."""
    dialect = DIALECTS[recording.family]
    for name in (recording.provider, f"{recording.provider}_{dialect.name}"):
        provider = PROVIDERS.get(name)
        if provider is not None and provider.dialect.name == dialect.name:
            return provider
    return Provider(recording.provider, dialect, "https://example.com")


def deltas_of(recording: Recording) -> Iterator[Delta]:
    """What is heard, one by one. Raises what ends it."""
    provider = provider_of(recording)
    if recording.streamed:
        yield from stream_deltas(provider.dialect, [recording.wire], provider.filters)
    else:
        yield from answer_deltas(provider.dialect, recording.wire, provider.filters)


@dataclass(frozen=True)
class Played:
    """Our events, our response, and its items as they are stored."""

    events: list[Event]
    response: JSON
    stored: list[JSON]

    @property
    def kinds(self) -> list[str]:
        return [event["type"].removeprefix("response.") for event in self.events]

    def items(self, kind: str) -> list[JSON]:
        return [item for item in self.response["output"] if item["type"] == kind]

    def parts(self, kind: str) -> list[JSON]:
        """The content of all messages, of this kind."""
        return [part for item in self.items("message") for part in item["content"] if part["type"] == kind]

    @property
    def text(self) -> str:
        return "".join(part["text"] for part in self.parts("output_text"))

    @property
    def thoughts(self) -> str:
        """All that was thought, in whichever form it is shown."""
        parts = (item.get("content", []) + item["summary"] for item in self.items("reasoning"))
        return "".join(part["text"] for said in parts for part in said)

    @property
    def calls(self) -> list[tuple[str, str]]:
        """Name and arguments of the function calls."""
        return [(item["name"], item["arguments"]) for item in self.items("function_call")]

    @property
    def tokens(self) -> tuple[int, int, int]:
        """Of the input, of the output, and those of it that were thoughts."""
        usage = self.response["usage"]
        reasoning = usage["output_tokens_details"]["reasoning_tokens"]
        return usage["input_tokens"], usage["output_tokens"], reasoning


def played(recording: Recording) -> Played:
    events, assembler = play(deltas_of(recording))
    assert fold(events) == assembler.response
    return Played(events, assembler.response, assembler.said)


def sent(recording: Recording) -> list[JSON]:
    """The events of a stream, or the body of an answer: what the provider sent, as JSON."""
    if not recording.streamed:
        return [recording.exchange["response"]["body"]]
    lines = recording.exchange["response"]["sse"].replace("\r\n", "\n").split("\n")
    data = [line.removeprefix("data:").strip() for line in lines if line.startswith("data:")]
    return [json.loads(said) for said in data if said not in ("", "[DONE]")]
