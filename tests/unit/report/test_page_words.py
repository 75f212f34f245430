"""The words of pages: the same keys in both languages, one for every state and count there is."""

import re
from importlib.resources import files

from sqlalchemy import CheckConstraint

from meterdrop.model.codes import Severity
from meterdrop.model.delivery import LineCounts, State
from meterdrop.report.page_words import WORDS, act, delivery_state, line_state
from meterdrop.store.schema import quarantine


def line_states() -> list[str]:
    [law] = [
        one
        for one in quarantine.constraints
        if isinstance(one, CheckConstraint) and "state" in str(one.sqltext)
    ]
    return re.findall(r"'([a-z]+)'", str(law.sqltext))


def test_both_languages_have_the_same_keys() -> None:
    assert set(WORDS["cs"]) == set(WORDS["en"])
    assert all(text.strip() for words in WORDS.values() for text in words.values())


def test_both_languages_fill_the_same_holes() -> None:
    for key, text in WORDS["en"].items():
        assert set(re.findall(r"\{\w+\}", text)) == set(re.findall(r"\{\w+\}", WORDS["cs"][key])), key


def test_every_state_and_count_has_a_word() -> None:
    for language, words in WORDS.items():
        for state in State:
            assert delivery_state(state.value, language=language)
        for name in line_states():
            assert line_state(name, language=language)
            assert act(f"quarantine.{name}", language=language) == line_state(name, language=language)
        assert set(LineCounts().as_dict()) <= set(words)
        assert {severity.value for severity in Severity} <= set(words)


def test_an_act_that_has_no_word_is_named_as_it_is() -> None:
    assert act("quarantine.painted", language="cs") == "painted"


def test_every_word_the_pages_ask_for_is_there_and_none_is_idle() -> None:
    package = files("meterdrop.report")
    pages = [one.read_text(encoding="utf-8") for one in package.joinpath("pages").iterdir()]
    code = [
        one.read_text(encoding="utf-8")
        for one in package.iterdir()
        if one.name.endswith(".py") and one.name != "page_words.py"
    ]
    asked = {word for page in pages for word in re.findall(r"words\.(\w+)", page)}
    assert asked <= set(WORDS["en"])

    quoted = re.compile(r"[\"'](\w+)[\"']")
    named = {word for text in code for word in quoted.findall(text)}
    by_state = {key for key in WORDS["en"] if key.startswith("delivery.")} | {"accepted_line", *line_states()}
    counted = {*LineCounts().as_dict(), *(severity.value for severity in Severity)}
    assert set(WORDS["en"]) - asked - named - by_state - counted == set()
