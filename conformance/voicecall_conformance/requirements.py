"""Which rules does a provider keep? Data: from it come the tests, the reports and the manual."""

from __future__ import annotations

from voicecall_conformance.rulebook import acting, failing, hearing, streaming
from voicecall_conformance.rulebook.requirement import Level, Requirement

AREAS = (
    hearing.SIGNATURE,
    hearing.REPLAY,
    hearing.EVENTS,
    acting.LIFECYCLE,
    acting.REPLY,
    acting.COMMAND,
    streaming.MEDIA,
    failing.ERRORS,
    failing.PACKAGE,
)

REQUIREMENTS: dict[str, Requirement] = {
    requirement.id: requirement for area in AREAS for requirement in area
}
"""Every rule by its id, in the order of the manual."""

__all__ = ["REQUIREMENTS", "Level", "Requirement"]
