"""A small table of providers, and short ways to load settings and to see what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from antiphon.settings.problems import ConfigurationError
from antiphon.settings.sources import Loaded, load
from antiphon.upstream.base import Provider
from antiphon.upstream.dialects.chat import Chat
from antiphon.upstream.dialects.responses import Responses
from antiphon.upstream.filters.think_tags import ThinkTags

TABLE = {
    "openai": Provider("openai", Responses(), "https://api.openai.com/v1", key_from="OPENAI_API_KEY"),
    "groq": Provider(
        "groq", Chat(user=False), "https://api.groq.com/openai/v1", key_from="GROQ_API_KEY", models=("a", "b")
    ),
    "cloud": Provider(
        "cloud",
        Chat(),
        "",
        key_from="CLOUD_KEY",
        key_header="api-key",
        key_prefix="",
        headers={"x-from": "us"},
    ),
    "ollama": Provider("ollama", Chat(), "http://127.0.0.1:11434/v1", local=True),
    "local": Provider("local", Chat(), "http://127.0.0.1:1/v1", local=True, filters=(ThinkTags,)),
}


def loaded(
    text: str | None = None,
    environ: Mapping[str, str] | None = None,
    options: Mapping[str, object] | None = None,
    *,
    folder: Path | None = None,
    table: Mapping[str, Provider] = TABLE,
) -> Loaded:
    """Settings from the text of a file (None: no file), an environment and a command line."""
    config = None
    if text is not None:
        assert folder is not None
        config = folder / "antiphon.yaml"
        config.write_text(text)
    return load(environ or {}, config=config, options=options, table=table)


def problems(text: str, folder: Path, environ: Mapping[str, str] | None = None) -> list[str]:
    """What is wrong with the text of a file; the folder is left out of the places."""
    try:
        loaded(text, environ, folder=folder)
    except ConfigurationError as error:
        return [str(problem).removeprefix(f"{folder}/") for problem in error.problems]
    return []
