"""How are findings shown, and which exit code do they make? For `setup`, `smoke` and `doctor`."""

from __future__ import annotations

from collections.abc import Sequence

from voicecall.cli.output import Output, clean
from voicecall.config.hiding import hiding
from voicecall.sdk.provider import Finding, Severity

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def ok(subject: str, message: str) -> Finding:
    """Something is in order."""
    return Finding(severity=Severity.OK, subject=subject, message=message)


def warning(subject: str, message: str, remedy: str | None = None) -> Finding:
    """Something should be looked at."""
    return Finding(severity=Severity.WARNING, subject=subject, message=message, remedy=remedy)


def error(subject: str, message: str, remedy: str | None = None) -> Finding:
    """Something does not work."""
    return Finding(severity=Severity.ERROR, subject=subject, message=message, remedy=remedy)


def failed(findings: Sequence[Finding]) -> bool:
    """Whether one of them is an error."""
    return any(finding.severity is Severity.ERROR for finding in findings)


def objects(findings: Sequence[Finding]) -> list[dict[str, object]]:
    """They as programs read them."""
    return [
        {
            "severity": finding.severity.value,
            "subject": finding.subject,
            "message": hiding.secrets(finding.message),
            "remedy": finding.remedy,
        }
        for finding in findings
    ]


def text(findings: Sequence[Finding], output: Output) -> str:
    """They as people read them."""
    lines = []
    for finding in findings:
        mark = output.paint(finding.severity.value.ljust(7), _STYLES[finding.severity])
        lines.append(f"{mark}  {clean(finding.subject)}: {clean(finding.message)}")
        if finding.remedy:
            lines.append(f"         → {clean(finding.remedy)}")
    return hiding.secrets("\n".join(lines))
