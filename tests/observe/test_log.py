"""A log line is one line, and its values are data."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Literal

import pytest
import structlog

from antiphon.observe import log


def logged(
    monkeypatch: pytest.MonkeyPatch, form: log.Form, write: Callable[[log.AccessLog], object]
) -> list[str]:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    try:
        write(log.configure("info", form))
    finally:
        structlog.reset_defaults()
    return file.getvalue().splitlines()


def written(monkeypatch: pytest.MonkeyPatch, form: log.Form, **fields: object) -> list[str]:
    return logged(monkeypatch, form, lambda _: structlog.get_logger().info("request", **fields))


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("path", ["/a\nb", "/a\r\n2026 error", "/\x1b[31m", "/\u2028", '/" key="v'])
def test_no_value_begins_another_line_or_field(
    monkeypatch: pytest.MonkeyPatch, form: Literal["text", "json"], path: str
) -> None:
    (line,) = written(monkeypatch, form, path=path, status=200)
    if form == "json":
        assert json.loads(line)["path"] == path
    else:
        assert line.endswith(" status=200")
        assert json.loads(line.partition("path=")[2].removesuffix(" status=200")) == path
        assert line.isprintable()


def test_what_is_plain_is_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    (line,) = written(monkeypatch, "text", path="/v1/responses", status=200)
    assert line.endswith("info    request path=/v1/responses status=200")


def test_a_trace_is_told_without_the_values_of_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = "sk-" + "secret"
    try:
        raise ValueError("wrong")
    except ValueError as error:
        lines = written(monkeypatch, "text", exc_info=error)
    assert lines[-1] == "ValueError: wrong"
    assert not any(secret in line for line in lines)


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("path", ["/v1/responses", "/a\nb", '/" key="v'])
def test_an_access_line_looks_like_any_other(
    monkeypatch: pytest.MonkeyPatch, form: log.Form, path: str
) -> None:
    (line,) = logged(monkeypatch, form, lambda access: access.request("req_1", "POST", path, 200, 1.234))
    fields = {"request_id": "req_1", "method": "POST", "path": path, "status": 200, "milliseconds": 1.23}
    (other,) = written(monkeypatch, form, **fields)
    if form == "json":
        shown, expected = json.loads(line), json.loads(other)
        assert shown | {"time": ""} == expected | {"time": ""}
    else:
        assert line.partition(" ")[2] == other.partition(" ")[2]


def test_no_access_line_is_written_below_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    file = io.StringIO()
    monkeypatch.setattr("sys.stderr", file)
    try:
        log.configure("warning", "text").request("req_1", "GET", "/", 200, 1.0)
    finally:
        structlog.reset_defaults()
    assert file.getvalue() == ""
