"""How is a partner with its account shown? Never with its password, not even the hash."""

from dataclasses import asdict

from meterdrop.cli import said
from meterdrop.usecases.partners import KnownPartner


def tell(known: KnownPartner, *, json_: bool) -> None:
    """One partner, after it was changed."""
    if json_:
        said.as_json(document(known))
        return
    account = known.account
    count = len(account.keys) if account else 0
    said.say(
        f"{known.partner.id}: {known.partner.name}, group {known.partner.group}, {count} key(s)"
        + _besides(known)
    )
    if account is None or not (account.keys or account.authorities or account.password):
        said.say(f"Nobody can log in yet: meterdrop partner key add {known.partner.id} FILE.pub")


def _besides(known: KnownPartner) -> str:
    """What only some accounts have."""
    account = known.account
    if account is None:
        return ""
    told = [f"{len(account.authorities)} authorities"] if account.authorities else []
    told += [f"logs in by {account.login}"] if account.password else []
    told += [f"until {account.expires}"] if account.expires else []
    return "".join(f", {one}" for one in told)


def document(known: KnownPartner) -> dict[str, object]:
    """For machines."""
    account = known.account
    if account is None:
        nothing = {"keys": (), "networks": (), "disabled": True, "login": "key", "password": False}
        return asdict(known.partner) | nothing | {"authorities": (), "expires": None}
    return asdict(known.partner) | {
        "keys": account.keys, "networks": account.networks, "disabled": account.disabled, "login": account.login,
        "password": account.password is not None, "authorities": account.authorities, "expires": account.expires,
    }  # fmt: skip


def row(known: KnownPartner) -> tuple[object, ...]:
    """For the table of all partners."""
    partner, account = known.partner, known.account
    state = "active" if partner.active else "disabled"
    if account is None:
        return (partner.id, partner.name, partner.group, state, 0, "", "anywhere", "")
    keys = f"{len(account.keys)}" + f" + {len(account.authorities)} CA" * bool(account.authorities)
    networks = ", ".join(account.networks) or "anywhere"
    return (partner.id, partner.name, partner.group, state, keys, account.login, networks, account.expires)


HEADINGS = ("id", "name", "group", "state", "keys", "login", "from", "until")
