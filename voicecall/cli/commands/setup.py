"""`voicecall setup`: is everything ready for a call? Configuration, plugins, the carrier's side."""

from __future__ import annotations

from collections.abc import Sequence

import anyio

from voicecall.checkup import check_carrier
from voicecall.cli.exit_codes import Exit
from voicecall.cli.loading import load_enabled
from voicecall.cli.options import Options, Parser
from voicecall.cli.output import Output, clean
from voicecall.config.loaded import LoadedConfig
from voicecall.sdk.provider import Finding, Severity

_STYLES = {Severity.OK: "green", Severity.WARNING: "yellow", Severity.ERROR: "red"}


def arguments(parser: Parser) -> None:
    """Nothing of its own."""


def run(options: Options) -> int:
    """Do it."""
    loaded = load_enabled(options)
    findings = [*_configured(loaded), *anyio.run(check_carrier, loaded)]
    failed = any(finding.severity is Severity.ERROR for finding in findings)
    output = Output(as_json=options.json)
    payload = {"ok": not failed, "findings": [_object(finding) for finding in findings]}
    output.result(payload, _text(findings, output))
    return Exit.PROVIDER if failed else Exit.OK


def _configured(loaded: LoadedConfig) -> list[Finding]:
    """What was found to be in order before anybody was asked."""
    where = str(loaded.path) if loaded.path else "no file: built-in defaults"
    parts = {
        "configuration": where,
        "provider": loaded.provider.spec.name,
        "speech": _speech(loaded),
        "responder": loaded.responder.spec.name if loaded.responder else "none: calls are recorded",
    }
    return [
        Finding(severity=Severity.OK, subject=subject, message=message)
        for subject, message in parts.items()
    ]


def _speech(loaded: LoadedConfig) -> str:
    if not loaded.settings.streaming.enabled or loaded.tts is None:
        return "the carrier's own voice and recognition"
    ears = loaded.stt.spec.name if loaded.stt else "nobody"
    return f"{loaded.tts.spec.name} speaks, {ears} listens"


def _object(finding: Finding) -> dict[str, object]:
    return {
        "severity": finding.severity.value,
        "subject": finding.subject,
        "message": finding.message,
        "remedy": finding.remedy,
    }


def _text(findings: Sequence[Finding], output: Output) -> str:
    lines = []
    for finding in findings:
        mark = output.paint(finding.severity.value.ljust(7), _STYLES[finding.severity])
        lines.append(f"{mark}  {clean(finding.subject)}: {clean(finding.message)}")
        if finding.remedy:
            lines.append(f"         → {clean(finding.remedy)}")
    return "\n".join(lines)
