"""A person decides about a delivery as a whole: a held one is released or refused, one that came to nothing retried."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from meterdrop.dispatch.locks import Locks
from meterdrop.model.codes import Code
from meterdrop.model.delivery import Delivery, LineCounts, Release, State
from meterdrop.model.errors import OperatorMistake, TryAgain
from meterdrop.model.line_state import LineState
from meterdrop.store import anew, deliveries, endings, events, findings, originals
from meterdrop.store.database import Database, Store
from meterdrop.store.deliveries import Judgement
from meterdrop.usecases.ingest import Ingest
from meterdrop.usecases.judging.judgement import of_the_file
from meterdrop.usecases.publish import Publisher
from meterdrop.usecases.retention.keeping import refuse_without_original

_WAIT: Final = 60.0
_RETRIED: Final = frozenset({State.HELD, State.REFUSED, State.POISONED})


@dataclass(frozen=True)
class Foreseen:
    """What a decision would come to: verdict, counts of lines and of findings."""

    state: State
    lines: LineCounts
    findings_by_code: Mapping[str, int]


@dataclass(frozen=True)
class Decide:
    """The acts on whole deliveries, each with a reason, in the audit, and done once however often it is asked for."""

    database: Database
    locks: Locks
    ingest: Ingest
    publisher: Publisher
    language_of: Callable[[str], str]
    clock: Callable[[], datetime]

    def release(self, key: int, *, how: Release, who: str, reason: str) -> Delivery:
        """A held delivery is loaded in spite of its bad lines, the same road as any; these are set aside."""
        return self._loaded(
            key,
            of=frozenset({State.HELD}),
            released=how,
            act=events.RELEASED,
            who=who,
            reason=reason,
        )

    def retry(self, key: int, *, who: str, reason: str) -> Delivery:
        """A held, refused or poisoned delivery is judged as if it came now: its rules may be mended."""
        return self._loaded(key, of=_RETRIED, released=None, act=events.RETRIED, who=who, reason=reason)

    def would_release(self, key: int, *, how: Release) -> Foreseen:
        """What releasing would come to; nothing is changed."""
        return self._foreseen(self._one(key, frozenset({State.HELD})), released=how)

    def would_retry(self, key: int) -> Foreseen:
        """What a retry would come to; nothing is changed."""
        return self._foreseen(self._one(key, _RETRIED), released=None)

    def _foreseen(self, delivery: Delivery, *, released: Release | None) -> Foreseen:
        judgement = self.ingest.would_come_to(replace(delivery, released=released))
        return Foreseen(
            state=judgement.state, lines=judgement.lines, findings_by_code=judgement.findings_by_code
        )

    def refuse(self, key: int, *, who: str, reason: str) -> Delivery:
        """A held delivery goes back to its partner with the reason: a corrected file is to come."""
        with self.locks.hold(f"partner-{self._partner(key)}", wait=_WAIT), self.database.writing() as store:
            before = _in_one_of(deliveries.get(store, key), frozenset({State.HELD}))
            settled = self._refused(store, before, reason=reason)
            now = self.clock()
            endings.end(
                store,
                endings.Chosen(delivery=key),
                state=LineState.RETURNED,
                who=who,
                reason=reason,
                now=now,
                partner=before.partner,
            )
            events.tell(
                store,
                at=now,
                who=who,
                what=events.REFUSED,
                partner=before.partner,
                delivery=key,
                before={"state": before.state.value},
                after={"state": settled.state.value},
                why=reason,
            )
            self.publisher.tell(
                store,
                settled,
                before=before,
                language=self.language_of(before.partner),
                rejects_blob=None,
            )
            self.publisher.at("release:decided")
        return settled

    def _refused(self, store: Store, before: Delivery, *, reason: str) -> Delivery:
        told = of_the_file(Code.FILE_REFUSED_BY_REVIEWER, value=reason)
        findings.add_to_file(store, told, delivery=before.id)
        judgement = Judgement(
            state=State.REFUSED,
            lines=before.lines,
            findings_by_code=findings.counts_by_code(store, delivery=before.id),
            feed=before.feed,
            rules=before.rules,
            parent=before.parent,
        )
        return deliveries.settle(store, delivery_before=before, judgement=judgement, now=self.clock())

    def _loaded(
        self,
        key: int,
        *,
        of: frozenset[State],
        released: Release | None,
        act: str,
        who: str,
        reason: str,
    ) -> Delivery:
        with self.locks.hold(f"partner-{self._partner(key)}", wait=_WAIT):
            with self.database.writing() as store:
                before = deliveries.get(store, key)
                if not _was_decided(before, released=released):
                    self._decide(
                        store, _in_one_of(before, of), released=released, act=act, who=who, reason=reason
                    )
                self.publisher.at("release:decided")
            return self.ingest(key)

    def _decide(
        self, store: Store, before: Delivery, *, released: Release | None, act: str, who: str, reason: str
    ) -> None:
        refuse_without_original(before, forgotten_at=originals.hold(store, sha256=before.sha256))
        deliveries.load_again(store, before=before, released=released)
        anew.reopen(store, delivery=before.id)
        after = {"state": State.LOADING.value, "released": None if released is None else released.value}
        events.tell(
            store,
            at=self.clock(),
            who=who,
            what=act,
            partner=before.partner,
            delivery=before.id,
            before={"state": before.state.value},
            after=after,
            why=reason,
        )

    def _partner(self, key: int) -> str:
        with self.database.reading() as store:
            return deliveries.get(store, key).partner

    def _one(self, key: int, of: frozenset[State]) -> Delivery:
        with self.database.reading() as store:
            found = _in_one_of(deliveries.get(store, key), of)
            forgotten_at = originals.forgotten_at(store, sha256=found.sha256)
        refuse_without_original(found, forgotten_at=forgotten_at)
        return found


def _was_decided(delivery: Delivery, *, released: Release | None) -> bool:
    """Someone decided the same before, and fell over in the middle: the rest is to be done."""
    return delivery.state is State.LOADING and delivery.revision > 0 and delivery.released is released


def _in_one_of(delivery: Delivery, states: frozenset[State]) -> Delivery:
    if delivery.state is State.LOADING:
        raise TryAgain(f"delivery {delivery.number} is being loaded: look again when that is done")
    if delivery.state not in states:
        wanted = " or ".join(sorted(state.value for state in states))
        raise OperatorMistake(
            f"delivery {delivery.number} is {delivery.state.value}, not {wanted}: nothing to do"
        )
    return delivery
