"""What receipt would a file get? Judged by all rules, nothing stored."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

from meterdrop.model.errors import CannotRead
from meterdrop.model.feed import Agreement
from meterdrop.model.finding import Finding
from meterdrop.model.layout import Layout
from meterdrop.receive.hashing import sha256_of
from meterdrop.receive.originals import Originals
from meterdrop.report.receipt import MOST_FINDINGS, told
from meterdrop.store import findings
from meterdrop.store.deliveries import Judgement
from meterdrop.store.spool import Spool
from meterdrop.usecases.judging.judge import findings_in_order, judge
from meterdrop.usecases.judging.judgement import judgement_of
from meterdrop.usecases.judging.rules import Rules
from meterdrop.usecases.recognise import recognise
from meterdrop.usecases.refuse import refusal


@dataclass(frozen=True)
class TryProfile:
    """Judges a file as if this partner had sent it."""

    work: Path
    agreements_of: Callable[[str, date], Sequence[Agreement]]
    rules_for: Callable[[Agreement, date], Rules]
    today: Callable[[], date]

    def __call__(self, partner: str, path: Path, *, on: date | None = None) -> dict[str, object]:
        """The receipt without delivery and upload. The file's bytes are kept only while it is judged.

        `on` is the day whose version of rules and habits is tried; today if left out.
        """
        place = self.work / f"try-{uuid4().hex}"
        originals = Originals(where=place / "originals")
        spool = Spool(place / "spool")
        try:
            sha256 = sha256_of(path)
            originals.keep(content=path, sha256=sha256)
            agreements = self.agreements_of(partner, on or self.today())
            return self._receipt(
                partner, path, agreements=agreements, sha256=sha256, originals=originals, spool=spool
            )
        finally:
            spool.close()
            originals.forget_all()

    def _receipt(
        self,
        partner: str,
        path: Path,
        *,
        agreements: Sequence[Agreement],
        sha256: str,
        originals: Originals,
        spool: Spool,
    ) -> dict[str, object]:
        language = next((agreement.language for agreement in agreements), "cs")
        head = {
            "receipt": 1,
            "partner": partner,
            "file": path.name,
            "bytes": path.stat().st_size,
            "sha256": sha256,
        }
        agreement: Agreement | None = None
        layout: Layout | None = None
        try:
            agreement, layout = recognise(
                originals,
                sha256=sha256,
                size=path.stat().st_size,
                path=f"incoming/{path.name}",
                agreements=agreements,
                feed=None,
            )
            rules = self.rules_for(agreement, self.today())
            with originals.open(sha256) as stream:
                judged = judge(stream, agreement=agreement, layout=layout, rules=rules, spool=spool)
            judgement, found = judgement_of(
                judged, agreement=agreement, layout=layout, file_findings=rules.file_findings, parent=None
            )
        except CannotRead as problem:
            judgement, reasons = refusal(
                sha256, problem=problem, originals=originals, agreement=agreement, layout=layout
            )
            return head | _told(judgement, reasons, language=language)
        for block in findings_in_order(spool, ends=judged.ends):
            found.extend(findings.as_values(block, limit=max(0, MOST_FINDINGS - len(found))))
        found.sort(key=lambda finding: finding.line or 0)
        return head | _told(judgement, found[:MOST_FINDINGS], language=language)


def _told(judgement: Judgement, found: Sequence[Finding], *, language: str) -> dict[str, object]:
    return {
        "feed": judgement.feed,
        "verdict": judgement.state.value,
        "lines": judgement.lines.as_dict(),
        "findings_total": sum(judgement.findings_by_code.values()),
        "findings_by_code": dict(sorted(judgement.findings_by_code.items())),
        "findings": [told(finding, language=language) for finding in found],
        "rules": judgement.rules,
    }
