"""What does a failure of ngrok's mean, and what can be done about it?

Source: https://ngrok.com/docs/errors
"""

from __future__ import annotations

import re

from voicecall.sdk import ExposureError

LONGEST_REASON = 200
TOKENS = "https://dashboard.ngrok.com/get-started/your-authtoken"
DOMAINS = "https://dashboard.ngrok.com/domains"
AGENTS = "https://dashboard.ngrok.com/agents"
STATUS = "https://status.ngrok.com"
SERVER_ERROR = 500
IN_USE = "ERR_NGROK_334"

_CODE = re.compile(r"ERR_NGROK_\d+")
_IN_USE = re.compile(r"already (online|bound|in use)")
_KNOWN = {
    "ERR_NGROK_105": (
        "the text in tunnel.ngrokAuthToken is no ngrok authtoken (ERR_NGROK_105)",
        f"copy the whole authtoken from {TOKENS}; API keys and SSH keys are something else",
    ),
    "ERR_NGROK_107": (
        "ngrok does not accept the authtoken: it was reset, revoked, or its account is gone "
        "(ERR_NGROK_107)",
        f"copy the present one from {TOKENS} to tunnel.ngrokAuthToken or NGROK_AUTHTOKEN",
    ),
    "ERR_NGROK_108": (
        "the ngrok account has as many agents online as it may (ERR_NGROK_108)",
        f"stop another one, {AGENTS} lists them, or choose a plan that allows more",
    ),
    IN_USE: (
        "the domain is already online, through another agent of the account (ERR_NGROK_334)",
        f"stop that agent, {AGENTS} lists them, or set another tunnel.ngrokDomain",
    ),
    "ERR_NGROK_4018": (
        "ngrok wants an account: no authtoken was given (ERR_NGROK_4018)",
        f"set tunnel.ngrokAuthToken or NGROK_AUTHTOKEN; {TOKENS} shows it",
    ),
}


class Unanswered(ExposureError):
    """The agent runs, and its API has no answer."""


def has_code(text: str) -> bool:
    """Whether ngrok names an error in `text`, which does not go away by waiting."""
    return _CODE.search(text) is not None


def of_start(text: str, *secrets: str) -> ExposureError:
    """Why an agent did not start, from what it said about it."""
    return _known(text) or ExposureError(
        f"ngrok does not start: {plain(text, *secrets) or 'it said nothing'}",
        remedy="run `ngrok diagnose` to check the network, and `ngrok update` for the newest agent",
    )


def of_answer(status: int, body: str, *secrets: str) -> ExposureError:
    """Why an agent did not make the endpoint, from what its API answered."""
    if _IN_USE.search(body):
        body += IN_USE
    said = f"ngrok makes no endpoint, it answered {status}: {plain(body, *secrets)}"
    if known := _known(body):
        return known
    if status >= SERVER_ERROR:
        return ExposureError(
            said, remedy=f"try again; {STATUS} tells about trouble on ngrok's side"
        )
    return ExposureError(
        said, remedy=f"check tunnel.ngrokDomain against {DOMAINS}, and run `ngrok update`"
    )


def plain(text: str, *secrets: str) -> str:
    """`text` on one line, printable, short, and without `secrets`."""
    for secret in secrets:
        text = text.replace(secret, "***")
    line = " ".join("".join(each if each.isprintable() else " " for each in text).split())
    return line if len(line) <= LONGEST_REASON else f"{line[:LONGEST_REASON]}…"


def _known(text: str) -> ExposureError | None:
    for code in _CODE.findall(text):
        if code in _KNOWN:
            reason, remedy = _KNOWN[code]
            return ExposureError(reason, remedy=remedy)
    return None
