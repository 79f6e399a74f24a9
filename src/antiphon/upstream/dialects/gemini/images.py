"""Images that the model makes: what a tool for them asks for, as `imageConfig`.

    size       aspectRatio, the nearest; from 3 on imageSize, too
    quality    imageSize from 3 on, where no size is asked for
    output_format, output_compression    imageOutputOptions on Vertex AI

Reference: https://ai.google.dev/gemini-api/docs/image-generation,
https://docs.cloud.google.com/vertex-ai/generative-ai/docs/multimodal/image-generation, as of November 2026.
"""

from __future__ import annotations

import re
from math import log
from typing import Any

from antiphon.core.adaptations import Adaptations
from antiphon.core.unsaid import NOT_OFFERED
from antiphon.protocol.json import JSON
from antiphon.upstream.dialects.gemini.models import Abilities

_RATIOS = ((1, 1), (2, 3), (3, 2), (3, 4), (4, 3), (4, 5), (5, 4), (9, 16), (16, 9), (21, 9))
_SIZES = {"1K": 1024, "2K": 2048, "4K": 4096}  # pixels of the longest side
_QUALITIES = {"low": "1K", "medium": "1K", "standard": "1K", "high": "2K", "hd": "2K"}
_PIXELS = re.compile(r"([1-9]\d{0,4})x([1-9]\d{0,4})")
_FORMATS = ("png", "jpeg")
_USUAL: dict[str, tuple[Any, ...]] = {
    "model": (None,),
    "moderation": (None, "auto"),
    "background": (None, "auto"),
    "input_fidelity": (None,),
    "input_image_mask": (None,),
    "partial_images": (None, 0),
    "action": (None, "auto"),
}
"""What cannot be asked for, and where it need not be."""


def image_config(tool: JSON, path: str, abilities: Abilities, vertex: bool, adapted: Adaptations) -> JSON:
    """The `imageConfig`; empty if there is nothing to say."""
    config = _shape(tool, path, abilities, adapted)
    if options := _output(tool, path, vertex, adapted):
        config["imageOutputOptions"] = options
    for name, usual in _USUAL.items():
        if tool.get(name) not in usual:
            adapted.dropped(f"{path}.{name}", NOT_OFFERED)
    return config


def _shape(tool: JSON, path: str, abilities: Abilities, adapted: Adaptations) -> JSON:
    size, quality = tool.get("size"), tool.get("quality")
    pixels = _PIXELS.fullmatch(size) if isinstance(size, str) else None
    config: JSON = {}
    if pixels is not None:
        width, height = int(pixels[1]), int(pixels[2])
        across, down = min(_RATIOS, key=lambda ratio: abs(log(width * ratio[1] / (height * ratio[0]))))
        config["aspectRatio"] = f"{across}:{down}"
        nearest = min(_SIZES, key=lambda name: abs(log(max(width, height) / _SIZES[name])))
        if abilities.sizes_images:
            config["imageSize"] = nearest
        made = _SIZES[nearest if abilities.sizes_images else "1K"]
        if (width, height) != (made, made):
            adapted.translated(f"{path}.size", "the nearest shape and size that this model makes")
    elif size not in (None, "auto"):
        adapted.dropped(f"{path}.size", NOT_OFFERED)
    if quality in _QUALITIES and abilities.sizes_images and pixels is None:
        config["imageSize"] = _QUALITIES[quality]
        adapted.translated(f"{path}.quality", "it is the size of the image here")
    elif quality not in (None, "auto"):
        adapted.dropped(f"{path}.quality", NOT_OFFERED)
    return config


def _output(tool: JSON, path: str, vertex: bool, adapted: Adaptations) -> JSON:
    kind, compression = tool.get("output_format"), tool.get("output_compression")
    options: JSON = {}
    if kind in _FORMATS and vertex:
        options["mimeType"] = f"image/{kind}"
    elif kind is not None:
        adapted.dropped(f"{path}.output_format", "the model chooses, and the item says what it is")
    if compression is not None and options.get("mimeType") == "image/jpeg":
        options["compressionQuality"] = compression
    elif compression is not None:
        adapted.dropped(f"{path}.output_compression", NOT_OFFERED)
    return options
