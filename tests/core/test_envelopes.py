"""Envelopes: only what was sealed here, for this project, under a key that is still there, opens."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from antiphon.core.envelopes import BadEnvelope, Envelope, SealKeys, family_of, is_envelope
from antiphon.core.records import Target

OLD, NEW = SealKeys({"old": b"o" * 32}), SealKeys({"new": b"n" * 32})
ROTATED = SealKeys({"new": b"n" * 32, "old": b"o" * 32})
NONCE = bytes(range(12))
ENVELOPE = Envelope("anthropic", "claude", 1_800_000_000, "anthropic:EqQBCkgIBxABGAIqQ+/=")
TEXT = OLD.seal(ENVELOPE, "proj_1", NONCE)

# Written down when the format was made: what clients keep must open with every later version.
KEPT = "ag1.old.AAECAwQFBgcICQoLjCZ1UbPY6vlIJxs_PxFH7dJIIEYKvu_A0pwM3xrifS8"

texts = st.text(st.characters(codec="utf-8"))


@given(texts, texts, texts, st.integers(0, 2**53), texts, st.binary(min_size=12, max_size=12))
def test_what_was_sealed_comes_out_byte_for_byte(
    provider: str, family: str, blob: str, expires: int, project: str, nonce: bytes
) -> None:
    envelope = Envelope(provider, family, expires, blob)
    assert OLD.open(OLD.seal(envelope, project, nonce), project) == envelope


@given(st.integers(0, len(TEXT) - 1), st.one_of(st.characters(), st.sampled_from("AQgw-_+/=. \n")))
def test_no_character_can_be_exchanged(at: int, character: str) -> None:
    assume(TEXT[at] != character)
    with pytest.raises(BadEnvelope):
        OLD.open(TEXT[:at] + character + TEXT[at + 1 :], "proj_1")


@given(st.integers(0, len(TEXT)), st.one_of(st.characters(), st.sampled_from("AQgw-_+/=. \n")))
def test_nothing_can_be_put_in(at: int, character: str) -> None:
    changed = TEXT[:at] + character + TEXT[at:]
    with pytest.raises(BadEnvelope):
        OLD.open(changed, "proj_1")


@given(st.integers(0, len(TEXT) - 1), st.integers(1, len(TEXT)))
def test_nothing_can_be_cut_out(start: int, length: int) -> None:
    with pytest.raises(BadEnvelope):
        OLD.open(TEXT[:start] + TEXT[start + length :], "proj_1")


@given(st.text())
def test_a_made_up_text_does_not_open(text: str) -> None:
    assume(text != TEXT)
    for attempt in (text, f"ag1.{text}", f"ag1.old.{text}"):
        with pytest.raises(BadEnvelope):
            OLD.open(attempt, "proj_1")


@given(st.text(st.characters(codec="utf-8")))
def test_another_project_cannot_open_it(project: str) -> None:
    assume(project != "proj_1")
    with pytest.raises(BadEnvelope):
        OLD.open(TEXT, project)


def test_what_another_project_is_called_cannot_be_made_part_of_the_key_id() -> None:
    head, _, body = TEXT.rpartition(".")
    with pytest.raises(BadEnvelope):
        OLD.open(f"{head}.proj.{body}", "_1")


def test_after_a_rotation_old_envelopes_open_and_new_ones_are_under_the_new_key() -> None:
    assert ROTATED.open(TEXT, "proj_1") == ENVELOPE
    assert ROTATED.seal(ENVELOPE, "proj_1", NONCE) == NEW.seal(ENVELOPE, "proj_1", NONCE)


def test_under_a_key_that_is_gone_or_another_of_its_name_nothing_opens() -> None:
    for keys in (NEW, SealKeys({"old": b"x" * 32})):
        with pytest.raises(BadEnvelope):
            keys.open(TEXT, "proj_1")


def test_nothing_can_be_read_in_an_envelope_but_its_key() -> None:
    assert is_envelope(TEXT)
    assert TEXT.startswith("ag1.old.")
    assert not any(word in TEXT for word in ("anthropic", "claude", "proj_1", "EqQBCkg"))
    assert TEXT.isascii()
    assert OLD.seal(ENVELOPE, "proj_1", b"another once") != TEXT


def test_an_envelope_that_clients_kept_opens() -> None:
    assert OLD.open(KEPT, "proj_1") == Envelope("sim", "sim", 1, "sim:x")


# Families


@pytest.mark.parametrize(
    ("blob", "provider", "model", "family"),
    [
        ("openai:gAAA", "openai", "gpt-5.2", "openai"),
        ("openai:gAAA", "openai-eu", "gpt-5.2-mini", "openai"),  # two ways to one account, said by `seal`
        ("xai:a:b", "xai", "grok-4", "xai"),
        ("anthropic:Eq", "anthropic", "claude-opus-5", "claude"),
        ("anthropic-redacted:Eq", "anthropic", "claude-opus-5", "claude"),
        ("anthropic:blocks:[]", "vertex", "claude-sonnet-5-5@20260901", "claude"),
        ("anthropic:Eq", "bedrock", "eu.anthropic.Claude-haiku-5-5-v1:0", "claude"),
        ("anthropic:x", "minimax", "MiniMax-M3", "minimax"),
        ("converse:Eq", "bedrock", "us.anthropic.claude-opus-5-v1:0", "claude"),
        ("converse:x", "bedrock", "us.amazon.nova-2-pro-v1:0", "bedrock"),
        ("gemini:x", "gemini", "gemini-3-pro", "gemini"),
        ("gemini:x", "my-proxy", "other", "my-proxy"),
        ('chat-google:{"next":{}}', "google", "gemini-3-pro", "gemini"),
        ("chat:[]", "openrouter", "anthropic/claude-opus-5", "openrouter/anthropic"),
        ("chat:[]", "openrouter", "openai/gpt-5.2", "openrouter/openai"),
        ("chat:[]", "snowflake", "claude-4-sonnet", "snowflake"),
        ("responses:x", "my-vllm", "qwen", "my-vllm"),
        ("gAAAAABcompaction", "openai", "gpt-5.2", "openai"),
        ("sim:x.1", "sim", "echo", "sim"),
    ],
)
def test_who_can_read_a_blob(blob: str, provider: str, model: str, family: str) -> None:
    assert family_of(blob, Target(provider, model)) == family
