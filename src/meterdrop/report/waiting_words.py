"""What do we say of that which waits for the world? A sentence and a next step, in Czech and English; the same keys in both."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Words:
    """Why it waits, and what to do next, in one language."""

    why: str
    next: str


_ENGLISH: Final[Mapping[str, str]] = {
    "room": "waits for room on the disk",
    "room_needed": "waits for room on the disk: some {needed} MB above the {floor} MB that stay free (free_disk_mb)",
    "behind": "; {behind} more of the same partner wait behind it",
    "room_next": "Make room on the disk; the next sweep loads it by itself",
    "receipts": "receipts can't be written ({why}); waiting: {count}, tries: {tries}",
    "receipts_of_name": "receipts under the name {name} can't be written ({why}); waiting: {count}, tries: {tries}",
    "ENOSPC": "Make room on that disk",
    "EDQUOT": "Raise the quota there, or make room",
    "EROFS": "Mount that file system writable again",
    "EACCES": "Mend owner or modes of the folder",
    "ESTALE": "Mount that file system again",
    "EIO": "Look at that disk or file server",
    "ENOTDIR": "Move away what lies in the folder's place: a link or a file",
    "EISDIR": "Move away the folder that has the receipt's name",
    "ENOENT": "Look whether the folder, its disk and the originals are there",
    "EREMOTEIO": "Look why the store of originals does not answer: `meterdrop check` says what it says",
    "EBADMSG": "Restore that original from a backup: its bytes in the store are others than were kept",
    "other": "Mend the receipts' folder",
    "receipts_next": "; they are written by themselves then, after five minutes at most",
}

_CZECH: Final[Mapping[str, str]] = {
    "room": "čeká na místo na disku",
    "room_needed": "čeká na místo na disku: asi {needed} MB nad {floor} MB, které zůstávají volné (free_disk_mb)",
    "behind": "; za ní čekají další dodávky téhož partnera: {behind}",
    "room_next": "Uvolněte místo na disku; při příští obchůzce se načte sama",
    "receipts": "nelze zapsat potvrzení ({why}); čeká: {count}, pokusů: {tries}",
    "receipts_of_name": "nelze zapsat potvrzení jménem {name} ({why}); čeká: {count}, pokusů: {tries}",
    "ENOSPC": "Uvolněte místo na tom disku",
    "EDQUOT": "Zvyšte tam kvótu, nebo uvolněte místo",
    "EROFS": "Připojte ten souborový systém znovu pro zápis",
    "EACCES": "Opravte vlastníka nebo práva složky",
    "ESTALE": "Připojte ten souborový systém znovu",
    "EIO": "Podívejte se na ten disk nebo souborový server",
    "ENOTDIR": "Odstraňte, co leží na místě složky: odkaz nebo soubor",
    "EISDIR": "Odstraňte složku, která má jméno potvrzení",
    "ENOENT": "Podívejte se, zda tam složka, její disk a originály jsou",
    "EREMOTEIO": "Zjistěte, proč úložiště originálů neodpovídá: co říká, ukáže `meterdrop check`",
    "EBADMSG": "Obnovte ten originál ze zálohy: v úložišti má jiné bajty, než byly uloženy",
    "other": "Opravte složku potvrzení",
    "receipts_next": "; pak se zapíší sama, nejpozději za pět minut",
}

WORDS: Final[Mapping[str, Mapping[str, str]]] = {"cs": _CZECH, "en": _ENGLISH}

_ALIKE: Final[Mapping[str, str]] = {
    "EPERM": "EACCES",
    "ELOOP": "ENOTDIR",
    "ENOTEMPTY": "EISDIR",
    "EEXIST": "EISDIR",
}


def of_room(*, needed: int | None, floor: int, behind: int, language: str) -> Words:
    """A delivery that waits for room; `needed` and `floor` in MB."""
    words = WORDS[language]
    why = words["room"] if needed is None else words["room_needed"].format(needed=needed, floor=floor)
    return Words(why + (words["behind"].format(behind=behind) if behind else ""), words["room_next"])


def of_receipts(*, count: int, name: str | None, error: str, why: str, tries: int, language: str) -> Words:
    """Receipts that can't be written; `error` is the system's name of it, and `why` what the system says."""
    words = WORDS[language]
    sentence = words["receipts" if name is None else "receipts_of_name"]
    step = words.get(_ALIKE.get(error, error), words["other"]) if error.startswith("E") else words["other"]
    return Words(sentence.format(count=count, name=name, why=why, tries=tries), step + words["receipts_next"])
