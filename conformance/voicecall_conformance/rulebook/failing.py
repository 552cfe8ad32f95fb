"""Which rules are about a carrier that fails, and about the plugin as a package?"""

from __future__ import annotations

from voicecall_conformance.rulebook.requirement import Level, Requirement

ERRORS = (
    Requirement(
        id="errors.credentials",
        text="Credentials that the carrier does not accept raise CarrierAuthFailed, which is not "
        "retryable.",
    ),
    Requirement(
        id="errors.rate",
        text="Too many requests raise CarrierRateLimited, which is retryable.",
        implies=("errors.retry-after",),
    ),
    Requirement(
        id="errors.rejected",
        text="An order that the carrier refuses raises CarrierRejected, which is not retryable.",
    ),
    Requirement(
        id="errors.unreachable",
        text="A broken carrier, or one that never answers, raises CarrierUnreachable.",
        lessons=(32,),
    ),
    Requirement(
        id="errors.once",
        text="An order whose answer was lost is not sent again by the provider.",
        level=Level.ROBUST,
        lessons=(32,),
    ),
    Requirement(
        id="errors.silent",
        text="The message of an error holds no secret and no whole phone number, also when the "
        "carrier's own words do.",
        level=Level.ROBUST,
        lessons=(41,),
    ),
    Requirement(
        id="errors.retry-after",
        text="When the carrier says how long to wait, CarrierRateLimited does; a wait that cannot "
        "be read is none.",
    ),
    Requirement(
        id="errors.junk",
        text="An answer that is not the carrier's (a page of HTML, nothing, bytes) is a "
        "CarrierError with a short message without control characters.",
        level=Level.ROBUST,
        lessons=(32, 41),
    ),
)

PACKAGE = (
    Requirement(
        id="package.light",
        text="Importing the plugin's module imports nothing but the SDK and its own package.",
    ),
    Requirement(
        id="package.hook",
        text="The plugin's hook returns the spec every time, without side effects.",
    ),
    Requirement(
        id="package.secrets",
        text="The configuration prints none of its secrets.",
    ),
    Requirement(
        id="package.reopens",
        text="A provider that was opened and closed can be opened again.",
    ),
    Requirement(
        id="package.check",
        text="`check` only reads, never raises, and reports an error when the carrier does not "
        "accept the credentials.",
        lessons=(41,),
    ),
    Requirement(
        id="package.samples",
        text="Every wire sample of the distribution says where it comes from: documented, "
        "sdk-generated or observed, and from which source.",
    ),
)
