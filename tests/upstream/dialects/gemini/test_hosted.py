"""Files that are searched, images that are made, code that draws, sound, and other media."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon.core import deltas as d
from antiphon.protocol.errors import InvalidRequest
from antiphon.upstream.base import WireRequest
from tests.play import play
from tests.recordings import needs_recordings
from tests.upstream.dialects.gemini.checker import check
from tests.upstream.dialects.gemini.official import judge
from tests.upstream.dialects.gemini.speaking import (
    VERTEX,
    contents,
    function,
    hear_parts,
    message,
    noted,
    of,
    output,
    say,
    text,
    user,
)
from tests.upstream.dialects.gemini.test_quirks import played

STORE = "fileSearchStores/manuals-1"
FILES = {"type": "file_search", "vector_store_ids": [STORE]}
IMAGES = {"type": "image_generation"}
PAINTER, OLD_PAINTER = "gemini-3-pro-image", "gemini-2.5-flash-image"


def told(request: WireRequest, *, vertex: bool = False) -> dict[str, str]:
    check(request, vertex=vertex)
    judge(request.body)
    return noted(request)


def searches(**fields: Any) -> Any:
    (tool,) = say(tools=[{**FILES, **fields}]).body["tools"]
    return tool["fileSearch"]


# Files


def test_stores_of_googles_are_searched() -> None:
    request = say(tools=[{**FILES, "max_num_results": 5}])
    assert request.body["tools"] == [{"fileSearch": {"fileSearchStoreNames": [STORE], "topK": 5}}]
    assert told(request) == {}


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"type": "eq", "key": "author", "value": 'R. "G"'}, 'author = "R. \\"G\\""'),
        ({"type": "gte", "key": "year", "value": 1934}, "year >= 1934"),
        ({"type": "ne", "key": "draft", "value": True}, "draft != true"),
        ({"type": "in", "key": "a", "value": ["x", 1]}, 'a = "x" OR a = 1'),
        ({"type": "nin", "key": "a", "value": ["x", "y"]}, 'a != "x" AND a != "y"'),
    ],
)
def test_filters_are_said_in_googles_language(asked: Any, expected: str) -> None:
    assert searches(filters=asked)["metadataFilter"] == expected
    both = {"type": "and", "filters": [asked, {"type": "lt", "key": "n", "value": 2}]}
    assert searches(filters=both)["metadataFilter"] == f"({expected}) AND (n < 2)"


@pytest.mark.parametrize(
    "tool",
    [
        {**FILES, "vector_store_ids": ["vs_1"]},
        {**FILES, "filters": {"type": "eq", "key": "a b", "value": "x"}},
        {**FILES, "filters": {"type": "eq", "key": "a", "value": {}}},
        {**FILES, "filters": {"type": "in", "key": "a", "value": []}},
        {**FILES, "filters": {"type": "like", "key": "a", "value": "x"}},
        {**FILES, "filters": {"type": "or", "filters": [{"type": "eq", "key": "", "value": "x"}]}},
    ],
)
def test_a_search_that_would_find_more_than_it_may_or_nothing_is_left_out(tool: Any) -> None:
    request = say(tools=[tool, function("f")])
    assert [list(offered) for offered in request.body["tools"]] == [["functionDeclarations"]]
    assert told(request) == {"tools[0]": "dropped"}
    with pytest.raises(InvalidRequest) as refusal:
        say(tools=[tool], tool_choice={"type": "file_search"})
    assert refusal.value.param == "tool_choice"


def test_what_a_search_in_files_cannot_be_told_is_noted() -> None:
    asked = {"vector_store_ids": [STORE, "vs_1"], "ranking_options": {"score_threshold": 0.5}}
    assert told(say(tools=[{**FILES, **asked}])) == {
        "tools[0].vector_store_ids": "dropped",
        "tools[0].ranking_options": "dropped",
    }


def test_vertex_and_old_models_search_no_files() -> None:
    assert told(say(VERTEX, tools=[FILES]), vertex=True) == {"tools[0]": "dropped"}
    assert told(say(model="gemini-2.0-flash", tools=[FILES])) == {"tools[0]": "dropped"}


def test_before_3_a_search_in_files_stands_alone() -> None:
    tools = [FILES, {"type": "web_search"}]
    old = say(tools=tools)
    assert [list(tool) for tool in old.body["tools"]] == [["fileSearch"]]
    assert told(old) == {"tools": "dropped"}
    assert told(say(model="gemini-3-flash-preview", tools=tools)) == {}


FOUND = {
    "groundingChunks": [
        {
            "retrievedContext": {
                "fileSearchStore": STORE,
                "documentName": "documents/d1",
                "title": "manual.pdf",
                "text": "Press the button.",
                "customMetadata": [{"key": "year", "numericValue": 1934}],
                "pageNumber": 3,
            }
        }
    ],
    "groundingSupports": [{"segment": {"endIndex": 6, "text": "Press."}, "groundingChunkIndices": [0]}],
    "retrievalQueries": ["how to start"],
}


def test_what_was_found_in_files_is_an_item_and_is_cited() -> None:
    said, found = output(hear_parts(text("Press."), groundingMetadata=FOUND))
    (note,) = said["content"][0]["annotations"]
    assert (note["type"], note["file_id"], note["filename"]) == (
        "file_citation",
        "documents/d1",
        "manual.pdf",
    )
    assert found == {
        "id": found["id"],
        "type": "file_search_call",
        "status": "completed",
        "queries": ["how to start"],
        "results": [
            {
                "file_id": "documents/d1",
                "filename": "manual.pdf",
                "text": "Press the button.",
                "attributes": {"year": 1934},
                "fileSearchStore": STORE,
                "pageNumber": 3,
            }
        ],
    }


@needs_recordings
@pytest.mark.parametrize("recording", ["a697b71e", "987f9db5"])
def test_recorded_searches_in_files_are_items_with_what_they_found(recording: str) -> None:
    (found,) = (item for item in output(played(recording)) if item["type"] == "file_search_call")
    (result,) = found["results"]
    assert result["text"].startswith("Paris is the capital of France.")
    assert result["file_id"].startswith("fileSearchStores/")


# Images


def test_a_model_that_draws_is_asked_for_images_too() -> None:
    request = say(model=PAINTER, tools=[IMAGES])
    assert request.body["generationConfig"] == {"responseModalities": ["TEXT", "IMAGE"]}
    assert "tools" not in request.body
    assert told(request) == {}


@pytest.mark.parametrize("choice", [{"type": "image_generation"}, "required"])
def test_an_image_that_is_demanded_is_all_that_is_asked_for(choice: Any) -> None:
    request = say(model=PAINTER, tools=[IMAGES], tool_choice=choice)
    assert request.body["generationConfig"] == {"responseModalities": ["IMAGE"]}
    assert told(request) == {}


@pytest.mark.parametrize(
    "choice", ["none", {"type": "allowed_tools", "mode": "auto", "tools": [{"type": "web_search"}]}]
)
def test_an_image_that_is_not_allowed_is_not_asked_for(choice: Any) -> None:
    assert "generationConfig" not in say(model=PAINTER, tools=[IMAGES], tool_choice=choice).body


def test_models_that_do_not_draw_are_not_offered_it() -> None:
    assert told(say(tools=[IMAGES])) == {"tools[0]": "dropped"}
    with pytest.raises(InvalidRequest):
        say(tools=[IMAGES], tool_choice={"type": "image_generation"})


@pytest.mark.parametrize(
    ("model", "size", "config", "adapted"),
    [
        (PAINTER, "1024x1024", {"aspectRatio": "1:1", "imageSize": "1K"}, False),
        (PAINTER, "2048x2048", {"aspectRatio": "1:1", "imageSize": "2K"}, False),
        (PAINTER, "1536x1024", {"aspectRatio": "3:2", "imageSize": "2K"}, True),
        (PAINTER, "1080x1920", {"aspectRatio": "9:16", "imageSize": "2K"}, True),
        (OLD_PAINTER, "1024x1024", {"aspectRatio": "1:1"}, False),
        (OLD_PAINTER, "1024x1536", {"aspectRatio": "2:3"}, True),
    ],
)
def test_a_size_is_the_nearest_shape_and_size(model: str, size: str, config: Any, adapted: bool) -> None:
    request = say(model=model, tools=[{**IMAGES, "size": size}])
    assert request.body["generationConfig"]["imageConfig"] == config
    assert told(request) == ({"tools[0].size": "translated"} if adapted else {})


def test_quality_is_a_size_where_there_are_sizes() -> None:
    request = say(model=PAINTER, tools=[{**IMAGES, "quality": "high"}])
    assert request.body["generationConfig"]["imageConfig"] == {"imageSize": "2K"}
    assert told(request) == {"tools[0].quality": "translated"}
    assert told(say(model=OLD_PAINTER, tools=[{**IMAGES, "quality": "high"}])) == {
        "tools[0].quality": "dropped"
    }


def test_vertex_is_told_the_format_and_the_gemini_api_cannot_be() -> None:
    tool = {**IMAGES, "output_format": "jpeg", "output_compression": 85}
    request = say(VERTEX, model=PAINTER, tools=[tool])
    assert request.body["generationConfig"]["imageConfig"] == {
        "imageOutputOptions": {"mimeType": "image/jpeg", "compressionQuality": 85}
    }
    assert told(request, vertex=True) == {}
    dropped = {"tools[0].output_format": "dropped", "tools[0].output_compression": "dropped"}
    assert told(say(model=PAINTER, tools=[tool])) == dropped


def test_what_cannot_be_asked_of_a_painter_is_noted_and_what_need_not_be_is_not() -> None:
    asked = {
        "model": "gpt-image-1",
        "background": "opaque",
        "partial_images": 2,
        "action": "edit",
        "size": "huge",
    }
    assert told(say(model=PAINTER, tools=[{**IMAGES, **asked}])) == {
        f"tools[0].{name}": "dropped" for name in asked
    }
    usual = {
        "moderation": "auto",
        "background": "auto",
        "partial_images": 0,
        "size": "auto",
        "quality": "auto",
    }
    assert told(say(model=PAINTER, tools=[{**IMAGES, **usual}])) == {}


def test_a_second_tool_of_one_kind_is_left_out() -> None:
    assert told(say(model=PAINTER, tools=[IMAGES, IMAGES])) == {"tools[1]": "dropped"}
    assert told(say(tools=[FILES, FILES])) == {"tools[1]": "dropped"}


# Code that draws

RAN = {"executableCode": {"id": "1", "language": "PYTHON", "code": "plot()"}}
CAME = {"codeExecutionResult": {"id": "1", "outcome": "OUTCOME_OK", "output": "ok"}}
PLOT = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}


def test_images_that_code_made_are_its_outputs_and_go_back_with_it() -> None:
    items = output(hear_parts(RAN, CAME, PLOT, PLOT, text("A plot.")))
    _, ran, said = items
    image = {"type": "image", "url": "data:image/png;base64,aGk="}
    assert ran["outputs"] == [{"type": "logs", "logs": "ok"}, image, image]
    assert said["content"][0]["text"] == "A plot."
    _, model, _ = contents(user("a"), *items, user("b"))
    assert model["parts"] == [RAN, CAME, PLOT, PLOT, {"text": "A plot."}]


def test_an_image_after_words_is_one_that_the_model_made() -> None:
    kinds = [item["type"] for item in output(hear_parts(RAN, CAME, text("A plot."), PLOT))]
    assert kinds == ["reasoning", "code_interpreter_call", "message", "image_generation_call"]


# Sound


def test_sound_is_a_message_with_a_part_of_sound() -> None:
    sound = {"inlineData": {"mimeType": "audio/L16;codec=pcm;rate=24000", "data": "aGk="}}
    deltas = hear_parts(text("Hear:"), sound, text("That was it."))
    events, _ = play(deltas)
    first, heard, last = output(deltas)
    assert [part["text"] for said in (first, last) for part in said["content"]] == ["Hear:", "That was it."]
    assert heard["content"] == [
        {"type": "output_audio", "data": "aGk=", "transcript": "", "format": "audio/L16;codec=pcm;rate=24000"}
    ]
    assert (heard["role"], heard["status"]) == ("assistant", "completed")
    assert len(of(d.Hosted, deltas)) == 1
    assert events[-1]["type"] == "response.completed"


def test_sound_does_not_go_back_and_that_is_noted() -> None:
    part = {"type": "output_audio", "data": "aGk=", "transcript": ""}
    request = say(items=[user("a"), message("assistant", "Hear:", part), user("b")])
    assert noted(request) == {"input[1].content[1]": "dropped"}


# Other media


def adaptations(deltas: list[Any]) -> list[tuple[str, str, str]]:
    told = play(deltas)[1].response.get("adaptations", [])
    return [(each["param"], each["action"], each["detail"]) for each in told]


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            {"inlineData": {"mimeType": "video/mp4", "data": "aGk="}},
            {"file_data": "data:video/mp4;base64,aGk="},
        ),
        (
            {"inlineData": {"mimeType": "application/pdf", "data": "aGk=", "displayName": "a.pdf"}},
            {"file_data": "data:application/pdf;base64,aGk=", "filename": "a.pdf"},
        ),
        (
            {"fileData": {"mimeType": "video/mp4", "fileUri": "https://files.example/v1"}},
            {"file_url": "https://files.example/v1"},
        ),
        ({"fileData": {"mimeType": "image/png", "fileUri": "gs://a/b.png"}}, {"file_url": "gs://a/b.png"}),
    ],
)
def test_a_video_or_a_file_is_a_message_with_a_file(part: Any, said: Any) -> None:
    deltas = hear_parts(text("See:"), part, text("That was it."))
    first, seen, last = output(deltas)
    assert [part["text"] for item in (first, last) for part in item["content"]] == ["See:", "That was it."]
    assert seen["content"] == [{"type": "output_file", **said}]
    assert (seen["role"], seen["status"]) == ("assistant", "completed")
    assert adaptations(deltas) == []


def test_it_does_not_go_back_and_that_is_noted() -> None:
    (item,) = output(hear_parts({"inlineData": {"mimeType": "video/mp4", "data": "aGk="}}))
    request = say(items=[user("a"), item, message("assistant", "See."), user("b")])
    assert noted(request) == {"input[1].content[0]": "dropped"}
    assert [turn["parts"] for turn in request.body["contents"]] == [
        [{"text": "a"}],
        [{"text": "See."}],
        [{"text": "b"}],
    ]


DRAFT = {"inlineData": {"mimeType": "image/png", "data": "ZHJhZnQ="}, "thought": True}
FINAL = {"inlineData": {"mimeType": "image/jpeg", "data": "ZmluYWw="}, "thoughtSignature": "sig"}


def test_images_among_the_thoughts_are_drafts_of_the_image_that_comes() -> None:
    hmm = text("Too dark.", thought=True)
    deltas = hear_parts(DRAFT, hmm, DRAFT, text("Here:", thoughtSignature="first"), FINAL, text("Done."))
    events, assembler = play(deltas)
    drafts = [event for event in events if event["type"].endswith("partial_image")]
    assert [(one["partial_image_index"], one["partial_image_b64"]) for one in drafts] == [
        (0, "ZHJhZnQ="),
        (1, "ZHJhZnQ="),
    ]
    (image,) = [item for item in assembler.response["output"] if item["type"] == "image_generation_call"]
    assert {one["item_id"] for one in drafts} == {image["id"]}
    assert (image["result"], image["output_format"]) == ("ZmluYWw=", "jpeg")
    assert adaptations(deltas) == [
        ("output", "translated", "images among the model's thoughts are partial images, in the stream alone")
    ]


def test_drafts_do_not_go_back_and_the_signatures_beside_them_do() -> None:
    items = output(hear_parts(DRAFT, text("Here:", thoughtSignature="first"), FINAL))
    _, model, _ = contents(user("a"), *items, user("b"), model=PAINTER)
    said = {"text": "Here:", "thoughtSignature": "first"}
    assert model["parts"] == [said, FINAL]


def test_drafts_of_an_image_that_never_came_are_left_out_and_that_is_said() -> None:
    why = "images among the model's thoughts, of which no image came"
    assert adaptations(hear_parts(DRAFT, text("I cannot draw."))) == [("output", "dropped", why)]


def test_drafts_belong_to_one_image() -> None:
    events, _ = play(hear_parts(DRAFT, FINAL, FINAL))
    assert sum(event["type"].endswith("partial_image") for event in events) == 1


@pytest.mark.parametrize(
    ("part", "kind"),
    [
        ({"hologram": {"data": "x"}}, "hologram"),
        ({"hologram": {}, "partMetadata": {"a": 1}}, "hologram"),
        ({"inlineData": {"mimeType": "video/mp4"}}, "inlineData"),
        ({"fileData": {"mimeType": "video/mp4"}}, "fileData"),
        ({"a" * 80: 1}, "a" * 64),
    ],
)
def test_a_part_that_nobody_knows_is_said_to_be_left_out(part: Any, kind: str) -> None:
    told = [("output", "dropped", f"a part of a kind that is not known here: {kind}")]
    assert adaptations(hear_parts(text("a"), part)) == told


@pytest.mark.parametrize("part", [{}, {"text": ""}, {"thought": True}, {"text": "", "thoughtSignature": "s"}])
def test_a_part_that_says_nothing_is_not_missed(part: Any) -> None:
    assert adaptations(hear_parts(text("a"), part)) == []


def test_sound_and_video_among_thoughts_are_said_to_be_left_out() -> None:
    video = {"inlineData": {"mimeType": "video/mp4", "data": "aGk="}, "thought": True}
    assert adaptations(hear_parts(text("a"), video)) == [
        ("output", "dropped", "video/mp4 among the model's thoughts")
    ]
