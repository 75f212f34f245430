"""Does every code say what is wrong and what to do, in both languages, alone and in frames?"""

import re
import string

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.model.codes import Code, severity_of
from meterdrop.model.finding import Finding
from meterdrop.report.columns_of_words import messages
from meterdrop.report.words import LANGUAGES, LONGEST_QUOTE, message
from meterdrop.tables import TEXT, findings_at, findings_frame, join_findings, no_findings

EVERY_WORD = [(language, code) for language in LANGUAGES for code in Code]


def test_there_are_words_in_czech_and_in_english_for_every_code() -> None:
    """A new code without words in one of the languages fails here."""
    assert {language: set(words) for language, words in LANGUAGES.items()} == {
        "cs": set(Code),
        "en": set(Code),
    }


@pytest.mark.parametrize(("language", "code"), EVERY_WORD)
def test_a_sentence_is_whole_with_and_without_its_cell(language: str, code: Code) -> None:
    """Nothing of the template is left over, whatever is known about the finding."""
    for column in (None, "Stav"):
        for value in (None, "x1"):
            for against in (None, "1310 (2026-03-03)"):
                text, fix = message(
                    code.value, language=language, column=column, value=value, against=against
                )
                for part in (text, fix):
                    assert part[0].isupper()
                    assert part.endswith(".")
                    assert not set(part) & set("[]{}")
                    assert "  " not in part
                    assert not re.search(r" [.,:;]", part)


@pytest.mark.parametrize(("language", "code"), EVERY_WORD)
def test_a_template_names_column_and_cell_at_most_once_and_only_in_brackets(
    language: str, code: Code
) -> None:
    """That's what lets a frame of findings be put into words without looking at each row."""
    text, fix = LANGUAGES[language][code]
    names = [name for _, name, _, _ in string.Formatter().parse(text) if name is not None]
    assert sorted(names) == sorted(set(names))
    assert set(names) <= {"column", "value", "against"}
    assert len(set(names) - {"column"}) <= 2
    assert not set(re.sub(r"\[[^\[\]]*\]", "", text)) & set("[]{}")
    assert not set(fix) & set("[]{}")


def test_the_czech_and_the_english_sentence_quote_the_same_things() -> None:
    """A partner learns the same in either language."""
    for code in Code:
        quoted = [
            {name for name in ("{column}", "{value}", "{against}") if name in LANGUAGES[language][code][0]}
            for language in ("cs", "en")
        ]
        assert quoted[0] == quoted[1], code


def test_a_message_quotes_the_heading_and_the_cell() -> None:
    """The words of a bad number, to the letter."""
    czech = message("value.not-a-number", language="cs", column="Stav", value="CHYBA")
    english = message("value.not-a-number", language="en", column="Value", value="ERROR")
    assert czech[0] == "Buňka ve sloupci „Stav“ má obsahovat číslo, ne „CHYBA“."
    assert english[0] == "A number is expected in column “Value”, not “ERROR”."


def test_a_long_cell_is_shortened_to_sixty_characters() -> None:
    """59 characters and the mark; sixty stay whole."""
    long, _ = message("value.not-a-number", language="en", value="7" * 61)
    whole, _ = message("value.not-a-number", language="en", value="7" * 60)
    assert long == f"A number is expected, not “{'7' * (LONGEST_QUOTE - 1)}…”."
    assert whole == f"A number is expected, not “{'7' * LONGEST_QUOTE}”."


def test_a_cell_with_braces_or_line_ends_does_not_disturb_the_sentence() -> None:
    """Cells are only quoted, never read as templates; a message is one line."""
    text, _ = message("value.not-a-number", language="en", column="a{value}[b]", value="{column}\n[x]")
    assert text == "A number is expected in column “a{value}[b]”, not “{column} [x]”."


def test_an_unknown_code_or_language_is_a_bug() -> None:
    """No silent default."""
    with pytest.raises(ValueError, match=r"value\.wrong"):
        message("value.wrong", language="cs")
    with pytest.raises(KeyError):
        message("value.negative", language="de")


def test_no_findings_have_no_messages() -> None:
    """An empty frame is fine."""
    assert messages(no_findings(), language="cs").tolist() == []


def test_messages_keep_the_index_of_their_findings() -> None:
    """So that they can be set beside them."""
    cells = pd.Series(["a", "b"], dtype=TEXT)
    findings = findings_at(line=[3, 4], code=Code.VALUE_NOT_A_NUMBER, column="Stav", value=cells)
    said = messages(findings.set_index("line", drop=False), language="cs")
    assert said.index.tolist() == [3, 4]
    assert said[4] == "Buňka ve sloupci „Stav“ má obsahovat číslo, ne „b“."


_CELLS = st.none() | st.text(st.characters(codec="utf-8"), max_size=70)
_FINDINGS = st.builds(
    lambda code, line, column, value, against: Finding(code, severity_of(code), line, column, value, against),
    st.sampled_from(Code),
    st.none() | st.integers(1, 99),
    _CELLS,
    _CELLS,
    _CELLS,
)


@given(st.lists(_FINDINGS, max_size=12), st.sampled_from(sorted(LANGUAGES)))
def test_a_frame_of_findings_says_what_each_finding_says_alone(found: list[Finding], language: str) -> None:
    """The set-based words are the same as one by one."""
    said = messages(findings_frame(found), language=language)
    alone = [
        message(
            finding.code.value,
            language=language,
            column=finding.column,
            value=finding.value,
            against=finding.against,
        )[0]
        for finding in found
    ]
    assert said.tolist() == alone


def test_frame_in_several_pieces_is_put_into_words_like_one() -> None:
    """Frames put together in order keep their pieces, and Arrow treats those otherwise."""
    parts = [findings_at(line=[line], code=Code.LINE_NUL) for line in (2, 3)]
    assert list(messages(join_findings(parts), language="en")) == [message("line.nul", language="en")[0]] * 2
