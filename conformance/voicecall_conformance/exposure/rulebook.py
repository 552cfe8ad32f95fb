"""Which rules does an exposure keep, and where do they come from?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement
from voicecall_conformance.speech.package import declared_rules

EXPOSURE = {
    rule.id: rule
    for rule in (
        Requirement(
            id="exposure.opens",
            text="It opens, and how long it waits for what is outside is limited, to less than the "
            "30 s that the kernel gives it.",
        ),
        Requirement(
            id="exposure.urls",
            text="The webhook URL is https with a path, or http on loopback; the stream URL is wss "
            "(ws) on the same host and port. Neither has a query, a fragment or a user.",
            implies=(
                "exposure.paths",
                "exposure.forwards",
            ),
        ),
        Requirement(
            id="exposure.paths",
            text="The public side hands both URLs on to our listener, under the paths that it "
            "serves.",
            implies=(
                "exposure.forwards",
                "exposure.drifts",
                "exposure.recovers",
                "exposure.crash",
                "exposure.by-hand",
                "exposure.borrows",
            ),
        ),
        Requirement(
            id="exposure.forwards",
            text="What is sent to the webhook URL arrives at our listener with path, query and "
            "body unchanged.",
        ),
        Requirement(
            id="exposure.steady",
            text="While nothing changes outside, `refresh` changes neither URL and starts nothing.",
            implies=(
                "exposure.drifts",
                "exposure.recovers",
                "exposure.borrows",
            ),
        ),
        Requirement(
            id="exposure.drifts",
            text="A public name that changes while it is open shows in both URLs after the next "
            "`refresh`; at no time are they of two hosts.",
            implies=("exposure.recovers",),
        ),
        Requirement(
            id="exposure.gone",
            text="While the public side is gone and cannot be put up again, `refresh` raises "
            "ExposureError, every time that it is asked.",
            implies=("exposure.recovers",),
        ),
        Requirement(
            id="exposure.recovers",
            text="Once the public side can be put up again, `refresh` puts it up, or finds it up; "
            "both URLs are true again.",
        ),
        Requirement(
            id="exposure.fails",
            text="A start that is refused, and a program that is not there, raise ExposureError "
            "with a reason and a remedy, and leave nothing behind.",
            implies=(
                "exposure.hangs",
                "exposure.silent",
            ),
        ),
        Requirement(
            id="exposure.hangs",
            text="A start that never gets anywhere raises ExposureError with a remedy when its "
            "time is up, and leaves nothing behind.",
            implies=("exposure.silent",),
        ),
        Requirement(
            id="exposure.cancel",
            text="Being cancelled while it opens ends it at once and leaves nothing behind.",
        ),
        Requirement(
            id="exposure.closed",
            text="Closing it leaves nothing behind: no process, no mapping, no marker.",
            implies=(
                "exposure.crash",
                "exposure.gone",
                "exposure.recovers",
                "exposure.silent",
            ),
        ),
        Requirement(
            id="exposure.crash",
            text="What a process that was killed while it was open left behind is cleared away by "
            "the next one that opens and closes it.",
            implies=(
                "exposure.borrows",
                "exposure.removes",
            ),
        ),
        Requirement(
            id="exposure.others",
            text="Nothing of anybody else's is changed or removed, whatever it is asked to do: "
            "open, refresh, close, clear up after a crash, remove.",
            implies=("exposure.borrows",),
        ),
        Requirement(
            id="exposure.by-hand",
            text="What is opened by hand outlives the process that opened it, where it can.",
            implies=(
                "exposure.borrows",
                "exposure.removes",
            ),
        ),
        Requirement(
            id="exposure.borrows",
            text="What was opened by hand is used by a gateway that opens the same, under the same "
            "URLs, and left there when it closes.",
        ),
        Requirement(
            id="exposure.removes",
            text="`remove` takes away what was opened by hand and says so; asked again it says "
            "that there was nothing.",
        ),
        Requirement(
            id="exposure.check",
            text="`check`, of the spec and of what is open, only reads: it starts, changes and "
            "leaves nothing, never raises, finds no error where all is well and one where the "
            "program is not there.",
        ),
        Requirement(
            id="exposure.private",
            text="Secrets are in no command line and in no file that others can read.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="exposure.silent",
            text="Neither an error's message nor the log holds a secret, also when the words of "
            "what it starts do.",
            level=Level.ROBUST,
        ),
        Requirement(
            id="exposure.reopens",
            text="What was opened and closed can be opened again, and leaves no task behind.",
            implies=(
                "exposure.others",
                "exposure.borrows",
                "exposure.yields",
                "exposure.fails",
                "exposure.silent",
            ),
        ),
        Requirement(
            id="exposure.yields",
            text="While it opens, refreshes and closes everybody else goes on: the event loop is "
            "never held up.",
        ),
        *declared_rules("exposure"),
    )
}
"""Every rule by its id, in the order of the manual."""
