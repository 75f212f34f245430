"""When are two spellings the same word? Any case, with or without diacritics, any spaces."""

import unicodedata


def fold(text: str) -> str:
    """The word without case, diacritics and doubled spaces: `Výrobní  číslo ` -> `vyrobni cislo`."""
    plain = unicodedata.normalize("NFKD", text.lower())
    letters = "".join(letter for letter in plain if unicodedata.category(letter) != "Mn")
    return " ".join(letters.split())
