"""Who may send us data? Partners come, get keys, and go."""

import ipaddress
import re
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from meterdrop.model.codes import PARTNER_CODES
from meterdrop.model.errors import OperatorMistake
from meterdrop.model.partner import Partner
from meterdrop.receive import accounts
from meterdrop.receive.accounts import AccountFile
from meterdrop.store import deliveries, events, partners
from meterdrop.store.database import Database, Store
from meterdrop.usecases.public_keys import comments_of, new_keys_in, without, without_doubles

_ID: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


def refuse_impossible_id(id: str) -> None:
    """OperatorMistake if no partner can be called so: it is a folder's name and a login."""
    if _ID.fullmatch(id) is None:
        raise OperatorMistake(
            f"{id!r} can't be a partner's id: use lower-case letters, digits and hyphens, at most 63"
        )


@dataclass(frozen=True)
class KnownPartner:
    """A partner with its account at the door."""

    partner: Partner
    account: AccountFile | None


@dataclass(frozen=True)
class Partners:
    """The acts on partners; each writes the database and the door's account file, and the audit."""

    database: Database
    home: Path
    clock: Callable[[], datetime]

    def add(
        self,
        id: str,
        *,
        name: str,
        group: int,
        keys: Sequence[Path],
        networks: Sequence[str],
        who: str,
    ) -> KnownPartner:
        """A new partner, or more keys for one we have (then active again)."""
        refuse_impossible_id(id)
        lines = [line for path in keys for line in new_keys_in(path)]
        given = [_network(text) for text in networks]
        old = self._account(id)
        with self.database.writing() as store:
            before = partners.find(store, id)
            partners.add(store, id=id, name=name, group=group, now=self.clock())
            if before is None or before.group != group:
                _let_lines_be_tried_again(store)
            events.tell(
                store,
                at=self.clock(),
                who=who,
                what="partner.added",
                partner=id,
                after={"name": name, "group": group, "keys": len(lines), "networks": given},
            )
        self._make_folders(id)
        known = without_doubles([*(old.keys if old else ()), *lines])
        narrowed = {"networks": given} if given else {}
        accounts.write(self._accounts, id, {"keys": known, "disabled": False, **narrowed})
        return self.known(id)

    def listed(self) -> tuple[KnownPartner, ...]:
        """All partners by id."""
        with self.database.reading() as store:
            return tuple(
                KnownPartner(partner=one, account=self._account(one.id))
                for one in partners.all_partners(store)
            )

    def find(self, id: str) -> Partner | None:
        """The partner of that id, or None."""
        with self.database.reading() as store:
            return partners.find(store, id)

    def disable(self, id: str, *, who: str) -> KnownPartner:
        """Nobody logs in as this partner any more; all that came stays."""
        self.known(id)
        accounts.write(self._accounts, id, {"disabled": True})
        with self.database.writing() as store:
            partners.disable(store, id)
            events.tell(store, at=self.clock(), who=who, what="partner.disabled", partner=id)
        return self.known(id)

    def add_key(self, id: str, *, key: Path, who: str) -> KnownPartner:
        """One more key."""
        known = self.known(id)
        keys = without_doubles([*(known.account.keys if known.account else ()), *new_keys_in(key)])
        return self._with_keys(id, keys=keys, who=who, what="partner.key-added")

    def remove_key(self, id: str, *, key: str, who: str) -> KnownPartner:
        """Takes keys away: named by comment, or by file."""
        known = self.known(id)
        old = known.account.keys if known.account else ()
        kept = without(old, key)
        if len(kept) == len(old):
            raise OperatorMistake(f"{id} has no key {key!r}. It has: {comments_of(old)}")
        return self._with_keys(id, keys=kept, who=who, what="partner.key-removed")

    @property
    def _accounts(self) -> Path:
        return self.home / "accounts"

    def _with_keys(self, id: str, *, keys: Sequence[str], who: str, what: str) -> KnownPartner:
        accounts.write(self._accounts, id, {"keys": list(keys)})
        with self.database.writing() as store:
            events.tell(store, at=self.clock(), who=who, what=what, partner=id, after={"keys": len(keys)})
        return self.known(id)

    def known(self, id: str) -> KnownPartner:
        """The partner of that id with its account; OperatorMistake if there is none."""
        found = self.find(id)
        if found is None:
            raise OperatorMistake(f"there is no partner {id!r}: see `meterdrop partner list`")
        return KnownPartner(partner=found, account=self._account(id))

    def _account(self, id: str) -> AccountFile | None:
        try:
            return accounts.read(self._accounts, id)
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise OperatorMistake(
                f"{self._accounts / id}.toml can't be read: {error}. Correct it, or move it away and add the keys again."
            ) from error

    def _make_folders(self, id: str) -> None:
        for folder in (
            self.home / "partners" / id / "files" / "incoming",
            self.home / "partners" / id / ".staging",
            self.home / "receipts" / id,
        ):
            folder.mkdir(parents=True, exist_ok=True)


def _let_lines_be_tried_again(store: Store) -> None:
    """The manager's lines for a partner whom we did not know then, or who registered its meters itself."""
    waiting = deliveries.that_wait(store, partner=None, feed=None, key=None, since=None)
    for one in sorted({each.partner for each in waiting if PARTNER_CODES & each.findings_by_code.keys()}):
        partners.raise_register_version(store, one)


def _network(text: str) -> str:
    """As the door wants it: 192.0.2.0/24, also for 192.0.2.7/24."""
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError as error:
        raise OperatorMistake(f"{text!r} is not a network like 192.0.2.0/24: {error}") from error
