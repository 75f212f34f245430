"""A look at a column's bytes finds what a look at each text finds, in any part of the column."""

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from meterdrop.report.texts import have, have_controls, in_one_piece, longest

texts = st.lists(
    st.none() | st.text(alphabet=st.sampled_from('a"\x00\x1f\x20\x7fčř„'), max_size=4), max_size=6
)


@given(texts, st.integers(0, 3))
def test_column_has_what_one_of_its_texts_has(told: list[str | None], start: int) -> None:
    column = pa.array(told, pa.string())[start:]
    left = [text for text in told[start:] if text is not None]
    assert have_controls(column) == any(sign < " " or sign == "\x7f" for text in left for sign in text)
    assert have(column, character='"') == any('"' in text for text in left)
    assert longest(column) == max((len(text.encode()) for text in left), default=0)


def test_column_in_pieces_becomes_one() -> None:
    whole = in_one_piece(pa.chunked_array([["a"], ["b", None]], pa.string()))
    assert whole.to_pylist() == ["a", "b", None]
    assert have(whole, character="b")
