"""A judge of requests to generateContent, built from the documented rules.

Sources: https://ai.google.dev/api/generate-content, /api/caching#Content, /gemini-api/docs/function-calling,
/thought-signatures, /structured-output, /thinking, /tool-combination, and the same pages of Vertex AI. What
Google's own library knows of the shapes is judged by `official`; here are the rules that no type tells.
"""

from __future__ import annotations

import base64
import re
from typing import Any
from urllib.parse import unquote

from antiphon.upstream.base import WireRequest

OWN_FILES = "https://generativelanguage.googleapis.com/v1beta/files/"
BODY = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig"}
CONFIG = {
    *("temperature", "topP", "topK", "maxOutputTokens", "stopSequences", "seed", "thinkingConfig"),
    *("presencePenalty", "frequencyPenalty", "responseLogprobs", "logprobs"),
    *("responseMimeType", "responseJsonSchema", "responseModalities", "imageConfig", "mediaResolution"),
}
DATA = {
    *("text", "inlineData", "fileData", "functionCall", "functionResponse"),
    *("executableCode", "codeExecutionResult", "toolCall", "toolResponse"),
}
SCHEMA = {
    *("$id", "$defs", "$ref", "$anchor", "type", "format", "title", "description", "enum", "items"),
    *("prefixItems", "minItems", "maxItems", "minimum", "maximum", "anyOf", "oneOf", "properties"),
    *("additionalProperties", "required", "propertyOrdering"),
}
_HOSTED = {
    "googleSearch": {"excludeDomains"},
    "codeExecution": set(),
    "fileSearch": {"fileSearchStoreNames", "topK", "metadataFilter"},
    "computerUse": {"environment", "excludedPredefinedFunctions"},
}
_RATIOS = ("1:1", "2:3", "3:2", "3:4", "4:3", "4:5", "5:4", "9:16", "16:9", "21:9")
SEEN = {
    *("click_at", "hover_at", "type_text_at", "key_combination", "scroll_at", "scroll_document"),
    *("drag_and_drop", "wait_5_seconds", "open_web_browser"),
}
"""Functions of the computer's tool before 3.5, whose responses have a screenshot."""
MIME = re.compile(r"(image/(png|jpeg|webp|heic|heif)|application/pdf|text/plain|audio/[\w-]+|video/[\w-]+)")
NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")


class Refused(ValueError):
    """What Google would answer with a 400."""


def require(holds: Any, rule: str) -> None:
    if not holds:
        raise Refused(rule)


def check(request: WireRequest, *, vertex: bool = False) -> None:
    """Raises Refused."""
    body = request.body
    model, method = re.fullmatch(r"/models/([^/]+):(\w+)", request.path).groups()
    require(method in ("generateContent", "streamGenerateContent"), "the method")
    require(
        request.query == ({"alt": "sse"} if method.startswith("stream") else {}), "alt=sse for streams only"
    )
    require(set(body) <= BODY | ({"labels"} if vertex else {"serviceTier"}), "known fields")
    new = not re.search(r"gemini-[12]\.|^(?!.*gemini)", unquote(model))
    _contents(body["contents"], new, vertex)
    if "systemInstruction" in body:
        require(body["systemInstruction"].keys() == {"parts"}, "a system instruction is parts")
        texts = body["systemInstruction"]["parts"]
        require(texts and all(part.keys() == {"text"} and part["text"] for part in texts), "… of text")
    functions, hosted = _tools(body.get("tools", []), vertex)
    _tool_config(body.get("toolConfig"), functions, hosted, vertex)
    _config(body.get("generationConfig", {}), unquote(model))
    if not new:
        require(not (functions and hosted), "functions or built-in tools before 3")
        wants_json = "responseMimeType" in body.get("generationConfig", {})
        require(not (wants_json and (functions or hosted)), "JSON or tools before 3")


def _contents(contents: list[dict[str, Any]], new: bool, vertex: bool) -> None:
    require(contents, "contents are not empty")
    roles = [content["role"] for content in contents]
    require(
        roles == ["user", "model"] * (len(roles) // 2) + ["user"], "roles in turn, the user first and last"
    )
    waiting: list[dict[str, Any]] = []
    for content in contents:
        require(content.keys() == {"role", "parts"} and content["parts"], "a content has parts")
        for part in content["parts"]:
            _part(part, content["role"], new, vertex)
        responses = [part["functionResponse"] for part in content["parts"] if "functionResponse" in part]
        if content["role"] == "user":
            answered = [(each["name"], each.get("id")) for each in responses]
            require(
                answered == [(each["name"], each.get("id")) for each in waiting], "a response for each call"
            )
            first = content["parts"][: len(responses)]
            require(all("functionResponse" in part for part in first), "responses come first")
        waiting = [part["functionCall"] for part in content["parts"] if "functionCall" in part]
        if new and waiting:
            signed = next(part for part in content["parts"] if "functionCall" in part)
            require(signed.get("thoughtSignature"), "the first call of a step is signed")
    require(not waiting, "no call without its response")


def _part(part: dict[str, Any], role: str, new: bool, vertex: bool) -> None:
    (kind,) = part.keys() & DATA
    looked_at = {"mediaResolution"} if kind in ("inlineData", "fileData") and new else set()
    require(part.keys() - DATA <= {"thought", "thoughtSignature"} | looked_at, "known fields of a part")
    require(isinstance(part.get("thoughtSignature", ""), str), "a signature is text")
    value = part[kind]
    match kind:
        case "text":
            require(value or part.get("thoughtSignature"), "a text is empty only to bring a signature")
        case "inlineData":
            _blob(value)
        case "fileData":
            is_kept = not vertex and value["fileUri"].startswith(OWN_FILES)
            require(value.keys() == {"fileUri"} | (set() if is_kept else {"mimeType"}), "a file")
            require(is_kept or MIME.fullmatch(value["mimeType"]), "of a known type")
        case "functionCall":
            require(role == "model" and NAME.fullmatch(value["name"]), "the model calls, by a name")
            require(isinstance(value["args"], dict), "arguments are an object")
            require(value.keys() == {"name", "args"} | ({"id"} if new else set()), "ids from 3 on")
        case "functionResponse":
            require(role == "user" and isinstance(value["response"], dict), "a response is an object")
            require(value.keys() - {"parts"} == {"name", "response"} | ({"id"} if new else set()), "ids …")
            seen = new or value["name"] in SEEN
            require(seen or "parts" not in value, "media in responses from 3 on, or of the computer's tool")
            for inner in value.get("parts", []):
                require(inner.keys() == {"inlineData"}, "media are inline")
                _blob(inner["inlineData"])
        case "toolCall" | "toolResponse":
            require(role == "model" and not vertex, "built-in tools belong to the model, not on Vertex")
        case _:
            require(role == "model", "code belongs to the model")
    require(role == "model" or not part.keys() & {"thought", "thoughtSignature"}, "only the model thinks")


def _blob(blob: dict[str, Any]) -> None:
    require(
        blob.keys() == {"mimeType", "data"} and MIME.fullmatch(blob["mimeType"]), "a blob of a known type"
    )
    base64.b64decode(blob["data"], validate=True)


def _tools(tools: list[dict[str, Any]], vertex: bool) -> tuple[list[str], list[str]]:
    functions: list[str] = []
    hosted: list[str] = []
    for tool in tools:
        ((kind, value),) = tool.items()
        if kind != "functionDeclarations":
            require(kind in _HOSTED and not (vertex and kind == "fileSearch"), "a known tool")
            require(value.keys() <= _HOSTED[kind] - (set() if vertex else {"excludeDomains"}), "its fields")
            stores = value.get("fileSearchStoreNames", ["fileSearchStores/a"])
            require(stores and all(name.startswith("fileSearchStores/") for name in stores), "stores")
            if kind == "computerUse":
                _computer(value)
            else:
                hosted.append(kind)
            continue
        for declared in value:
            require(NAME.fullmatch(declared["name"]), "a name")
            require(
                declared.keys() <= {"name", "description", "parametersJsonSchema"}, "fields of a function"
            )
            require(declared.get("description", "x"), "a description is not empty")
            if "parametersJsonSchema" in declared:
                require(declared["parametersJsonSchema"].get("type") == "object", "parameters are an object")
                schema(declared["parametersJsonSchema"])
            functions.append(declared["name"])
    require(len(set(functions)) == len(functions) and len(set(hosted)) == len(hosted), "each tool once")
    return functions, hosted


def _computer(value: dict[str, Any]) -> None:
    known = ("ENVIRONMENT_BROWSER", "ENVIRONMENT_DESKTOP", "ENVIRONMENT_MOBILE")
    require(value["environment"] in known, "an environment")
    excluded = value["excludedPredefinedFunctions"]
    require(all(re.fullmatch(r"[a-z_5]+", name) for name in excluded), "names of functions")


def _tool_config(
    config: dict[str, Any] | None, functions: list[str], hosted: list[str], vertex: bool
) -> None:
    config = config or {}
    require(config.keys() <= {"functionCallingConfig", "includeServerSideToolInvocations"}, "tool config")
    both = bool(functions and hosted)
    require(
        config.get("includeServerSideToolInvocations", False) == (both and not vertex), "both kinds of tools"
    )
    calling = config.get("functionCallingConfig")
    if calling is None:
        return
    require(functions, "calls are configured where there are functions")
    require(calling["mode"] in ("AUTO", "ANY", "NONE", "VALIDATED"), "a mode")
    if "allowedFunctionNames" in calling:
        require(calling["mode"] in ("ANY", "VALIDATED"), "names with ANY and VALIDATED only")
        require(calling["allowedFunctionNames"], "some names")
        require(set(calling["allowedFunctionNames"]) <= set(functions), "names that are declared")


def _config(config: dict[str, Any], model: str) -> None:
    require(config.keys() <= CONFIG, "known fields of the configuration")
    if "responseJsonSchema" in config:
        require(config["responseMimeType"] == "application/json", "a schema needs the JSON type")
        schema(config["responseJsonSchema"])
    require("logprobs" not in config or config.get("responseLogprobs") is True, "logprobs are asked for")
    _drawing(config, model)
    thinking = config.get("thinkingConfig")
    if thinking is not None:
        require(
            thinking and thinking.keys() <= {"thinkingLevel", "thinkingBudget", "includeThoughts"}, "thoughts"
        )
        old = "2.5" in model
        require("thinkingBudget" not in thinking or old, "budgets are of 2.5")
        require("thinkingLevel" not in thinking or not old, "levels are of 3 and later")
        _budget(thinking.get("thinkingBudget"), model, config.get("maxOutputTokens"))
    require(config.get("maxOutputTokens", 1) >= 1, "at least one token")


def _drawing(config: dict[str, Any], model: str) -> None:
    if "responseModalities" not in config:
        require("imageConfig" not in config, "images are configured where they are asked for")
        return
    require("image" in model, "only models that draw answer with images")
    require(config["responseModalities"] in (["IMAGE"], ["TEXT", "IMAGE"]), "modalities")
    image = config.get("imageConfig", {})
    require(image.keys() <= {"aspectRatio", "imageSize", "imageOutputOptions"}, "known fields of an image")
    require(image.get("aspectRatio", "1:1") in _RATIOS, "a known shape")
    require("imageSize" not in image or "2.5" not in model, "sizes from 3 on")
    require(image.get("imageSize", "1K") in ("1K", "2K", "4K"), "a known size")


def _budget(budget: int | None, model: str, limit: int | None) -> None:
    if budget is None:
        return
    least, most = (128, 32_768) if "pro" in model else (512, 24_576) if "lite" in model else (0, 24_576)
    require(
        least <= budget <= most or (budget == 0 and "pro" not in model), "a budget within the model's bounds"
    )
    require(limit is None or budget < limit or budget == least, "a budget below the limit")


def schema(value: Any, at: str = "#") -> None:
    """Raises Refused for what is not in the subset of JSON schema."""
    require(isinstance(value, dict), f"a schema at {at}")
    require(value.keys() <= SCHEMA, f"known keywords at {at}: {sorted(value.keys() - SCHEMA)}")
    if "$ref" in value:
        require(all(key.startswith("$") for key in value), f"a reference stands alone at {at}")
    for each in value.get("enum", []):
        require(isinstance(each, str) or type(each) in (int, float), f"values of an enum at {at}")
    for name in ("anyOf", "oneOf", "prefixItems"):
        for index, inner in enumerate(value.get(name, [])):
            schema(inner, f"{at}/{name}/{index}")
    for name in ("properties", "$defs"):
        for key, inner in value.get(name, {}).items():
            schema(inner, f"{at}/{name}/{key}")
    for name in ("items", "additionalProperties"):
        if isinstance(value.get(name), dict):
            schema(value[name], f"{at}/{name}")
