"""What keys are called."""

from __future__ import annotations

import pytest

from antiphon.upstream.computer.keys import keys_of, presses, web, x11


@pytest.mark.parametrize(
    ("said", "keys"),
    [
        ("Return", ["ENTER"]),
        ("ctrl+s", ["CTRL", "s"]),
        ("Control+Shift+Escape", ["CTRL", "SHIFT", "ESC"]),
        ("alt+Tab", ["ALT", "TAB"]),
        ("super+plus", ["CMD", "+"]),
        ("Page_Down", ["PAGEDOWN"]),
        ("ArrowUp", ["ARROWUP"]),
        ("F5", ["F5"]),
        ("+", ["+"]),
        ("ctrl++", ["CTRL", "+"]),
        ("XF86Back", ["XF86Back"]),
    ],
)
def test_the_words_of_all_mean_the_same_keys(said: str, keys: list[str]) -> None:
    assert keys_of(said) == keys


def test_combinations_with_spaces_between_are_pressed_one_after_another() -> None:
    assert presses("ctrl+a Delete") == [["CTRL", "a"], ["DELETE"]]
    assert presses(" ") == [["SPACE"]]
    assert presses("") == []


def test_keys_are_told_by_the_names_that_a_model_knows() -> None:
    keys = ["CTRL", "cmd", "ENTER", "arrowleft", "F1", "x"]
    assert x11(keys) == "ctrl+super+Return+Left+F1+x"
    assert web(keys) == ["Control", "Meta", "Enter", "ArrowLeft", "F1", "x"]


@pytest.mark.parametrize("key", ["ctrl", "Return", "Escape", "Page_Up", "space", "BackSpace", "Caps_Lock"])
def test_a_key_of_x11_is_the_same_on_the_way_back(key: str) -> None:
    assert x11(keys_of(key)) == key
