"""How does Twilio carry out documents? Verb by verb; a newer document takes over at once.

https://www.twilio.com/docs/voice/twiml
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial

import anyio
import httpx

from voicecall.sdk import Clock, EndCause, EndedBy, SpeechError
from voicecall_conformance.phones import Gathered, Leg, Wanted, read_wav
from voicecall_twilio.network.twiml import Verb

BRIDGED_SECONDS = 1.5
"""How long a caller talks to the person that it was transferred to."""
ENDLESS = 1000
"""What Twilio takes ``loop="0"`` for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A document to ask the gateway for, with what the last one led to."""

    url: str
    method: str = "POST"
    fields: Mapping[str, str] = field(default_factory=dict)


Document = tuple[Verb, ...]
Step = Request | Document
"""What a call does next: fetch a document, or obey one. An empty one ends the call."""
OVER: Document = ()


class Office:
    """What documents need of their call."""

    async def fetch(self, request: Request) -> Document:
        """The document behind `request`, the fall-back's, or an empty one."""
        raise NotImplementedError

    async def stream(self, verb: Verb) -> None:
        """Hold the media stream that a `<Stream>` asks for."""
        raise NotImplementedError


class Performer:
    """Carries out the documents of one answered call.

    Args:
        client: fetches what `<Play>` names.
    """

    def __init__(self, leg: Leg, office: Office, *, clock: Clock, client: httpx.AsyncClient):
        self._leg = leg
        self._office = office
        self._clock = clock
        self._client = client
        self._scope = anyio.CancelScope()
        self._instead: Step | None = None

    def replace(self, step: Step) -> None:
        """Stop what is being done, and do `step`."""
        self._instead = step
        self._scope.cancel()

    async def run(self, first: Step) -> None:
        """Do `first` and what follows on it, then end the call."""
        step, self._instead = self._instead or first, None
        while step != OVER:
            following: Step = OVER
            with anyio.CancelScope() as self._scope:
                following = await self._do(step)
            step, self._instead = self._instead or following, None
        self._leg.finish(EndCause.COMPLETED, EndedBy.API)

    async def _do(self, step: Step) -> Step:
        if isinstance(step, Request):
            return await self._office.fetch(step)
        for verb in step:
            following = await self._one(verb)
            if following is not None:
                return following
        return OVER

    async def _one(self, verb: Verb) -> Step | None:
        """Do one verb; None: the next one follows."""
        match verb.name:
            case "Say" | "Play" | "Pause":
                await self._sound(verb)
            case "Gather":
                return await self._gather(verb)
            case "Connect":
                await self._office.stream(verb.children[0])
                return _asked(verb) if "action" in verb.attributes else None
            case "Dial":
                return await self._dial(verb)
            case "Redirect":
                return Request(url=verb.text.strip(), method=verb.get("method", "POST"))
            case "Hangup":
                return OVER
        return None

    async def _sound(self, verb: Verb) -> None:
        for _ in range(int(verb.get("loop", "1")) or ENDLESS):
            match verb.name:
                case "Say":
                    await self._leg.say(verb.text)
                case "Pause":
                    await self._clock.sleep(float(verb.get("length", "1")))
                case _ if "digits" in verb.attributes:
                    await self._leg.send_digits(verb.get("digits"))
                case _:
                    await self._play(verb.text.strip())

    async def _play(self, url: str) -> None:
        try:
            response = await self._client.get(url)
            audio = read_wav(response.raise_for_status().content)
        except (SpeechError, httpx.HTTPError) as error:
            self._leg.journal.add("us", "note", f"could not play a file: {error}")
            return
        await self._leg.line.to_phone.play_through(audio)

    async def _gather(self, verb: Verb) -> Step | None:
        inputs, timeout = verb.get("input", "dtmf").split(), float(verb.get("timeout", "5"))
        most = verb.get("numDigits")
        wanted = Wanted(
            speech="speech" in inputs,
            keys="dtmf" in inputs,
            pause=timeout,
            last_key=verb.get("finishOnKey", "#"),
            most_keys=int(most) if most else None,
        )
        prompts = [partial(self._sound, child) for child in verb.children]
        gathered = await self._leg.gather(prompts, timeout=timeout, wanted=wanted)
        fields = _gathered(gathered, verb, last_key=wanted.last_key)
        if fields is None and verb.get("actionOnEmptyResult") != "true":
            return None
        return _asked(verb, fields or {})

    async def _dial(self, verb: Verb) -> Step | None:
        """Somebody else talks with the caller for a while, and then hangs up."""
        self._leg.transferred_to = verb.text.strip()
        await self._clock.sleep(BRIDGED_SECONDS)
        if "action" not in verb.attributes:
            return None
        told = {"DialCallStatus": "completed", "DialCallDuration": "2", "DialBridged": "true"}
        return _asked(verb, {"DialCallSid": "CA" + "d" * 32, **told})


def _asked(verb: Verb, fields: Mapping[str, str] | None = None) -> Request:
    return Request(url=verb.get("action"), method=verb.get("method", "POST"), fields=fields or {})


def _gathered(gathered: Gathered, verb: Verb, *, last_key: str) -> Mapping[str, str] | None:
    """The fields of an answer; None: there was none."""
    common = {"msg": "Gather End", "Language": verb.get("language", "en-US")}
    if gathered.digits:
        finished = last_key != "" and gathered.digits.endswith(last_key)
        digits = gathered.digits.removesuffix(last_key) if finished else gathered.digits
        by = {"FinishedOnKey": last_key} if finished else {"FinishedOnKey": ""}
        return {**common, **by, "Digits": digits}
    if gathered.text is None:
        return None
    return {**common, "SpeechResult": gathered.text, "Confidence": "0.94"}
