"""What a model of Gemini's answers with beside words, calls and images: sound, videos, files.

Responses has no item for them, and no event that would tell of them piece by piece. Each is a message with
one part, which does not go back:

    audio/…        {output_audio: data, transcript, format}     the shape that OpenAI gives sound
    any other      {output_file: file_data | file_url}          that of `input_file`: a data URL, or a URL

A part that is none of these either is noted: what came, came to nobody.
"""

from __future__ import annotations

from collections.abc import Iterator

from antiphon.core import deltas as d
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.wire import string

DRAFTS = "images among the model's thoughts are partial images, in the stream alone"
LOST_DRAFTS = "images among the model's thoughts, of which no image came"

_LONGEST_NAME = 64  # characters of a name of Google's that are passed on
_BESIDE = frozenset(
    {"text", "thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata"}
)
"""Fields of a part that say something of what else is in it."""


def message_of(data: JSON) -> JSON | None:
    """The message for the `inlineData` or the `fileData` of a part; None if there is nothing in it."""
    kind, base64, url = string(data.get("mimeType")), data.get("data"), data.get("fileUri")
    if isinstance(base64, str) and kind.startswith("audio/"):
        part: JSON = {"type": "output_audio", "data": base64, "transcript": "", "format": kind}
    elif isinstance(base64, str):
        part = {"type": "output_file", "file_data": f"data:{kind};base64,{base64}"}
    elif isinstance(url, str):
        part = {"type": "output_file", "file_url": url}
    else:
        return None
    if name := string(data.get("displayName")):
        part["filename"] = name
    return {"type": "message", "status": "completed", "role": "assistant", "content": [part]}


def unknown(part: JSON) -> Iterator[d.Untold]:
    """What must be said of a part that cannot be told."""
    for name in part:
        if name not in _BESIDE and part[name] is not None:
            yield d.Untold(f"a part of a kind that is not known here: {name[:_LONGEST_NAME]}", "dropped")
