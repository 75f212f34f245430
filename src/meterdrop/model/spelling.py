"""When are two spellings the same word, and when the same heading?"""

import unicodedata


def fold(text: str) -> str:
    """The word without case, diacritics and doubled spaces: `Studená  voda ` -> `studena voda`."""
    plain = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    return " ".join(letters.split())


def heading_key(heading: str) -> str:
    """The heading's letters, digits and `+`, nothing else: `Výrobní_číslo ` and `VYROBNI CISLO` are the same.

    Energy drawn and fed back are `A+` and `A-`, or `+A` and `-A`: two headings.
    """
    letters = unicodedata.normalize("NFKD", heading).casefold()
    return "".join(letter for letter in letters if letter.isalnum() or letter == "+")
