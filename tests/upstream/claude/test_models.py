"""What models can do, by name."""

from __future__ import annotations

import pytest

from antiphon.upstream.claude.models import Abilities, abilities_of


@pytest.mark.parametrize(
    ("names", "thinking", "thinks", "sampling", "most"),
    [
        (["claude-3-opus-20240229"], "none", "asked", "both", 4_096),
        (
            ["claude-3-5-haiku-latest", "anthropic.claude-3-5-sonnet-20241022-v2:0"],
            "none",
            "asked",
            "both",
            8_192,
        ),
        (["claude-3-7-sonnet-20250219", "claude-3-7-sonnet@20250219"], "budget", "asked", "both", 64_000),
        (["claude-opus-4-20250514", "claude-opus-4-0"], "budget", "asked", "both", 32_000),
        (["claude-sonnet-4-20250514"], "budget", "asked", "both", 64_000),
        (["claude-opus-4-1-20250805"], "budget", "asked", "one", 32_000),
        (
            ["claude-sonnet-4-5-20250929", "claude-haiku-4-5", "claude-opus-4-5"],
            "budget",
            "asked",
            "one",
            64_000,
        ),
        (["claude-opus-4-6", "us.anthropic.claude-opus-4-6-v1"], "adaptive", "asked", "one", 128_000),
        (["claude-sonnet-4-6", "anthropic/claude-sonnet-4.6"], "adaptive", "asked", "one", 64_000),
        (["claude-opus-4-7", "claude-opus-4-8"], "adaptive", "asked", "none", 128_000),
        (["claude-sonnet-5", "claude-opus-5", "claude-haiku-5-5"], "adaptive", "default", "none", 128_000),
        (
            ["claude-opus-5-5", "claude-fable-5", "claude-mythos-preview"],
            "adaptive",
            "always",
            "none",
            128_000,
        ),
        (["claude-next"], "adaptive", "default", "none", 128_000),
    ],
)
def test_each_generation_is_known_by_its_name(
    names: list[str], thinking: str, thinks: str, sampling: str, most: int
) -> None:
    for name in names:
        able = abilities_of(name)
        assert (able.thinking, able.thinks, able.sampling, able.most_tokens) == (
            thinking,
            thinks,
            sampling,
            most,
        )


@pytest.mark.parametrize(
    ("name", "efforts"),
    [
        ("claude-opus-4-5", ()),
        ("claude-opus-4-6", ("low", "medium", "high", "max")),
        ("claude-opus-4-7", ("low", "medium", "high", "xhigh", "max")),
    ],
)
def test_each_generation_has_its_efforts(name: str, efforts: tuple[str, ...]) -> None:
    assert abilities_of(name).efforts == efforts


@pytest.mark.parametrize(
    ("name", "schema", "forced", "later_system"),
    [
        ("claude-sonnet-4-0", False, True, False),
        ("claude-opus-4-1", True, True, False),
        ("claude-sonnet-4-5", True, True, False),
        ("claude-opus-4-8", True, True, True),
        ("claude-sonnet-5-5", True, True, True),
        ("claude-fable-5", True, True, True),
        ("claude-fable-5-1", True, False, True),
        ("claude-opus-5-5", True, False, True),
    ],
)
def test_each_generation_takes_its_fields(name: str, schema: bool, forced: bool, later_system: bool) -> None:
    able = abilities_of(name)
    assert (able.json_schema, able.forced_tools, able.later_system) == (schema, forced, later_system)
    assert able.binds_thoughts is not forced


@pytest.mark.parametrize("name", ["llama-3.1-70b", "deepseek-chat", "", "gpt-5"])
def test_other_models_speak_the_old_core(name: str) -> None:
    assert abilities_of(name) == Abilities()
