"""Images, files and sound."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest

from antiphon.protocol.errors import InvalidRequest
from tests.upstream.dialects.gemini.official import judge
from tests.upstream.dialects.gemini.speaking import VERTEX, contents, message, noted, say

PNG = b64encode(b"\x89PNG").decode()
PDF = b64encode(b"%PDF-1.4").decode()


def part(**fields: Any) -> dict[str, Any]:
    (content,) = contents(message("user", fields))
    return content["parts"][0]


def refused(model: str = "gemini-2.5-flash", **fields: Any) -> str | None:
    with pytest.raises(InvalidRequest) as refusal:
        contents(message("user", fields), model=model)
    return refusal.value.param


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "heic"])
def test_an_image_as_data_is_inline(kind: str) -> None:
    said = part(type="input_image", image_url=f"data:image/{kind};base64,{PNG}")
    assert said == {"inlineData": {"mimeType": f"image/{kind}", "data": PNG}}


def test_an_image_of_another_kind_is_refused() -> None:
    where = "input[0].content[0].image_url"
    assert refused(type="input_image", image_url="data:image/gif;base64,R0lG") == where
    assert refused(type="input_image", image_url="data:nonsense") == where
    assert refused(type="input_image", file_id="file_1") == "input[0].content[0].file_id"


def test_an_image_in_the_web_is_named_with_the_type_of_its_ending() -> None:
    said = part(type="input_image", image_url="https://a.example/b.webp?c=d")
    assert said == {"fileData": {"mimeType": "image/webp", "fileUri": "https://a.example/b.webp?c=d"}}


def test_a_url_that_does_not_say_what_it_is_is_taken_for_the_likeliest_and_noted() -> None:
    request = say(items=[message("user", {"type": "input_image", "image_url": "https://a.example/b"})])
    (said,) = request.body["contents"][0]["parts"]
    assert said["fileData"]["mimeType"] == "image/jpeg"
    assert noted(request) == {"input[0].content[0].image_url": "translated"}


def test_old_models_of_the_gemini_api_fetch_nothing_but_googles_own_files() -> None:
    url = "https://a.example/b.png"
    where = "input[0].content[0].image_url"
    assert refused("gemini-2.0-flash", type="input_image", image_url=url) == where
    own = "https://generativelanguage.googleapis.com/v1beta/files/abc.png"
    for dialect, fetched in ((None, own), (VERTEX, url), (None, "gs://bucket/b.png")):
        image = {"type": "input_image", "image_url": fetched}
        body = say(dialect, model="gemini-2.0-flash", items=[message("user", image)]).body
        assert body["contents"][0]["parts"][0]["fileData"]["fileUri"] == fetched


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (f"data:application/pdf;base64,{PDF}", "a.pdf", "application/pdf"),
        (PDF, None, "application/pdf"),
        (f"data:image/png;base64,{PNG}", "a.png", "image/png"),
        (b64encode(b"a,b").decode(), "t.csv", "text/plain"),
        ("data:text/html,%3Cp%3E", "p.html", "text/plain"),
        (f"data:audio/mp3;base64,{PNG}", "a.mp3", "audio/mp3"),
    ],
)
def test_files_are_inline_and_texts_are_plain(data: str, name: str | None, kind: str) -> None:
    assert part(type="input_file", file_data=data, filename=name)["inlineData"]["mimeType"] == kind


def test_a_file_of_another_kind_is_refused() -> None:
    office = b64encode(b"PK\x03\x04\x00").decode()
    data = f"data:application/zip;base64,{office}"
    assert refused(type="input_file", file_data=data) == "input[0].content[0].file_data"
    assert refused(type="input_file", file_data="!!!") == "input[0].content[0].file_data"
    assert refused(type="input_file", file_id="file_1") == "input[0].content[0].file_id"


def test_sound_is_inline() -> None:
    said = part(type="input_audio", input_audio={"data": PNG, "format": "wav"})
    assert said == {"inlineData": {"mimeType": "audio/wav", "data": PNG}}


# How closely to look


def picture(detail: str | None = None) -> dict[str, Any]:
    return {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": detail}


@pytest.mark.parametrize(
    ("detail", "level"),
    [("low", "LOW"), ("high", "HIGH"), ("original", "HIGH"), ("auto", None), (None, None)],
)
def test_from_3_on_each_image_says_how_closely_to_look(detail: str | None, level: str | None) -> None:
    request = say(model="gemini-3-flash-preview", items=[message("user", picture(detail), picture("low"))])
    judge(request.body)
    first, second = request.body["contents"][0]["parts"]
    said = {"level": f"MEDIA_RESOLUTION_{level}"} if level else None
    assert first.get("mediaResolution") == said
    assert second["mediaResolution"] == {"level": "MEDIA_RESOLUTION_LOW"}
    clamped = {"input[0].content[0].detail": "clamped"} if detail == "original" else {}
    assert noted(request) == clamped


def test_before_3_the_request_says_it_for_all_that_agree() -> None:
    request = say(items=[message("user", picture("low")), message("user", picture("low"))])
    judge(request.body)
    assert request.body["generationConfig"] == {"mediaResolution": "MEDIA_RESOLUTION_LOW"}
    assert noted(request) == {}


@pytest.mark.parametrize("other", ["high", None])
def test_before_3_those_that_differ_are_told(other: str | None) -> None:
    request = say(items=[message("user", picture(other), picture("low"))])
    assert "generationConfig" not in request.body
    assert noted(request)["input[0].content[1].detail"] == "dropped"


def test_an_image_in_an_output_cannot_say_it_from_3_on() -> None:
    called = {"type": "function_call", "call_id": "a", "name": "look", "arguments": "{}"}
    output = {"type": "function_call_output", "call_id": "a", "output": [picture("high")]}
    request = say(model="gemini-3-flash-preview", items=[message("user", "a"), called, output])
    assert "mediaResolution" not in str(request.body)
    assert noted(request)["input[2].output[0].detail"] == "dropped"


# Files that Google keeps


@pytest.mark.parametrize("kind", ["input_image", "input_file"])
def test_a_file_that_google_keeps_is_named_by_its_uri(kind: str) -> None:
    uri = "https://generativelanguage.googleapis.com/v1beta/files/abc-123"
    assert part(type=kind, file_id="files/abc-123") == {"fileData": {"fileUri": uri}}


@pytest.mark.parametrize(
    "file_id", ["file-abc", "files/../x", "files/A", "files/", "https://a.example/files/a"]
)
def test_an_id_of_somebody_elses_file_is_refused(file_id: str) -> None:
    assert refused(type="input_file", file_id=file_id) == "input[0].content[0].file_id"


def test_vertex_keeps_no_files() -> None:
    with pytest.raises(InvalidRequest) as refusal:
        say(VERTEX, items=[message("user", {"type": "input_file", "file_id": "files/abc"})])
    assert refusal.value.param == "input[0].content[0].file_id"


def test_what_has_no_place_beside_a_part_is_noted() -> None:
    image = picture("high")
    words = {"type": "input_text", "text": "a", "cache_control": {"type": "ephemeral"}}
    paper = {"type": "input_file", "file_data": PDF, "filename": "a.pdf"}
    assert noted(say(items=[message("user", image, words, paper)])) == {
        "input[0].content[0].detail": "dropped",
        "input[0].content[1].cache_control": "dropped",
        "input[0].content[2].filename": "dropped",
    }


def test_a_part_that_nobody_knows_is_refused_from_the_user_and_left_out_of_the_model() -> None:
    assert refused(type="hologram") == "input[0].content[0]"
    request = say(
        items=[message("user", "a"), message("assistant", {"type": "hologram"}, "b"), message("user", "c")]
    )
    assert request.body["contents"][1]["parts"] == [{"text": "b"}]
    assert noted(request) == {"input[1].content[0]": "dropped"}
