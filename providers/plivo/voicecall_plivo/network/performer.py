"""How does Plivo carry out documents? Element by element; a newer document replaces the running.

https://www.plivo.com/docs/voice/xml/overview
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field

import anyio
import httpx

from voicecall.sdk import Clock, EndCause, HttpReply, SpeechError
from voicecall_conformance.phones import Gathered, Leg, StreamFailed, Wanted, read_wav
from voicecall_plivo.double import endings
from voicecall_plivo.double.documents import Verb, read_document
from voicecall_plivo.double.endings import Ending
from voicecall_plivo.network.courier import Courier, Hook
from voicecall_plivo.network.stream import AudioStream, StreamTools

STREAM_TRIES = 3
STREAM_PAUSE_SECONDS = 0.2
"""Between two tries to open a stream, real seconds."""
LONGEST_STREAM_SECONDS = "86400"
END_OF_KEYS_SECONDS = 2.0
"""What ``digitEndTimeout="auto"`` is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetch:
    """The next document of a call.

    Args:
        place: what it comes from, as hang-up causes name it.
        fields: sent beside the common ones.
        otherwise: called when `hook` gives none.
    """

    hook: Hook
    place: str
    fields: Mapping[str, str] = field(default_factory=lambda: {"Event": "Redirect"})
    otherwise: Hook | None = None


class Performer:
    """Carries out the documents of one call.

    Args:
        about: the fields of a callback: the common ones and those given.
        end: ends the call, with Plivo's words for that.
        client: fetches what ``Play`` names.
    """

    def __init__(
        self,
        leg: Leg,
        *,
        courier: Courier,
        about: Callable[[Mapping[str, str]], dict[str, str]],
        end: Callable[[EndCause, Ending, str], None],
        client: httpx.AsyncClient,
        clock: Clock,
        streams: StreamTools,
    ) -> None:
        self.stream: AudioStream | None = None
        self._leg = leg
        self._courier = courier
        self._about = about
        self._end = end
        self._client = client
        self._clock = clock
        self._streams = streams
        self._running = anyio.CancelScope()

    async def replace(self, fetch: Fetch) -> None:
        """Stop what is being done, and do what the document of `fetch` says."""
        self._running.cancel()
        with anyio.CancelScope() as self._running:
            await self._run(fetch)

    async def run(self, document: Sequence[Verb]) -> None:
        """Do what `document` says, and those to which it leads."""
        with anyio.CancelScope() as self._running:
            following = await self._perform(document)
            if following is not None:
                await self._run(following)

    async def fetch(self, fetch: Fetch) -> Sequence[Verb] | None:
        """A document; None when there is none, which ends the call."""
        # Plivo reads an answer to its end, whatever becomes of the call meanwhile.
        with anyio.CancelScope(shield=True):
            fields = self._about(fetch.fields)
            reply = await self._courier.fetch(fetch.hook, fields)
            if reply is None and fetch.otherwise is not None:
                reply = await self._courier.fetch(fetch.otherwise, fields)
        await anyio.lowlevel.checkpoint()  # by now another document may have taken over
        if reply is None:
            self._end(EndCause.FAILED, endings.unreachable(fetch.place), endings.BY_FAULT)
            return None
        try:
            if not reply.body:
                raise ValueError("a document is wanted, and nothing came")
            headers = tuple(reply.headers.items())
            return read_document(HttpReply(headers=headers, body=reply.body))
        except ValueError as error:
            self._streams.fault(f"a document that Plivo does not take: {error}")
            self._end(EndCause.FAILED, endings.unreadable(fetch.place), endings.BY_FAULT)
            return None

    async def _run(self, fetch: Fetch) -> None:
        following: Fetch | None = fetch
        while following is not None:
            document = await self.fetch(following)
            following = None if document is None else await self._perform(document)

    async def _perform(self, document: Sequence[Verb]) -> Fetch | None:
        """Do every element; what replaces the document before its end."""
        for verb in document:
            following = await self._one(verb)
            if following is not None or self._leg.end is not None:
                return following
        self._end(EndCause.COMPLETED, endings.END_OF_XML, endings.BY_DOCUMENT)
        return None

    async def _one(self, verb: Verb) -> Fetch | None:
        attributes = verb.attributes
        match verb.tag:
            case "Redirect":
                hook = Hook(url=verb.text, method=attributes.get("method", "POST"))
                return Fetch(hook=hook, place=endings.REDIRECT)
            case "GetInput":
                return await self._listen(verb)
            case "Hangup":
                self._hang_up(attributes)
            case "DTMF" if attributes.get("async", "true") == "true":
                self._leg.tasks.start_soon(self._leg.send_digits, verb.text)
            case "DTMF":
                await self._leg.send_digits(verb.text)
            case "Dial":
                self._leg.transfer(f"+{verb.children[0].text}")
            case "Stream" if attributes.get("keepCallAlive") == "true":
                await self._open_stream(verb)
            case "Stream":
                self._leg.tasks.start_soon(self._open_stream, verb)
            case _:
                await self._sound(verb)
        return None

    async def _sound(self, verb: Verb) -> None:
        """``Speak``, ``Play`` or ``Wait``, as often as it wants."""
        if verb.tag == "Wait":
            await self._clock.sleep(float(verb.attributes.get("length", "1")))
            return
        once = self._play if verb.tag == "Play" else self._leg.say
        times = int(verb.attributes.get("loop", "1"))
        done = 0
        while times == 0 or done < times:
            await once(verb.text)
            done += 1

    async def _play(self, url: str) -> None:
        try:
            response = await self._client.get(url)
            response.raise_for_status()
            await self._leg.line.to_phone.play_through(read_wav(response.content))
        except (SpeechError, httpx.HTTPError) as error:
            self._leg.journal.add("us", "note", f"could not play a file: {error}")

    def _hang_up(self, attributes: Mapping[str, str]) -> None:
        cause = {"busy": EndCause.BUSY, "rejected": EndCause.REJECTED}.get(
            attributes.get("reason", ""), EndCause.COMPLETED
        )
        if self._leg.answered:
            cause = EndCause.COMPLETED
        if "schedule" in attributes:
            self._leg.tasks.start_soon(self._hang_up_later, cause, float(attributes["schedule"]))
        else:
            self._end(cause, endings.ENDS[cause], endings.BY_DOCUMENT)

    async def _hang_up_later(self, cause: EndCause, seconds: float) -> None:
        await self._clock.sleep(seconds)
        self._end(cause, endings.ENDS[cause], endings.BY_DOCUMENT)

    # -- listening

    async def _listen(self, verb: Verb) -> Fetch | None:
        attributes = verb.attributes
        wanted = _wanted(attributes)
        gathered = await self._leg.gather(
            [_prompt(self._sound, child) for child in verb.children],
            timeout=float(attributes.get("executionTimeout", "15")),
            wanted=wanted,
        )
        heard = _heard(gathered, wanted)
        if heard is None:
            return None
        hook = Hook(url=attributes["action"], method=attributes.get("method", "POST"))
        told = {"Event": "Redirect", "BilledAmount": "0.0200", **heard}
        if attributes.get("redirect", "true") == "true":
            return Fetch(hook=hook, place=endings.ACTION, fields=told)
        self._courier.notify(hook, self._about(told))
        return None

    # -- streaming

    async def _open_stream(self, verb: Verb) -> None:
        """Until the stream is over; then the document goes on."""
        longest = float(verb.attributes.get("streamTimeout", LONGEST_STREAM_SECONDS))
        with anyio.move_on_after(longest / self._clock.scale):
            for _ in range(STREAM_TRIES):
                stream = self.stream = self._new_stream(verb)
                try:
                    await stream.run(verb.text)
                    return
                except StreamFailed as error:
                    self._leg.journal.add("us", "note", str(error))
                finally:
                    self.stream = None
                await anyio.sleep(STREAM_PAUSE_SECONDS)
            self._tell_of_stream(verb, stream.id, "DroppedStream")

    def _new_stream(self, verb: Verb) -> AudioStream:
        def tell(event: str, **fields: str) -> None:
            self._tell_of_stream(verb, stream.id, event, **fields)

        stream = AudioStream(
            self._leg,
            self._streams,
            obeys=verb.attributes.get("bidirectional") == "true",
            extra_headers=verb.attributes.get("extraHeaders", ""),
            tell=tell,
        )
        return stream

    def _tell_of_stream(self, verb: Verb, stream_id: str, event: str, **fields: str) -> None:
        url = verb.attributes.get("statusCallbackUrl")
        if url is None:
            return
        told = {
            "Event": event,
            "StreamID": stream_id,
            "ServiceURL": verb.text,
            "Timestamp": str(int(self._clock.wall() * 1000)),
            **fields,
        }
        method = verb.attributes.get("statusCallbackMethod", "POST")
        self._courier.notify(Hook(url=url, method=method), self._about(told))


def _prompt(sound: Callable[[Verb], Awaitable[None]], verb: Verb) -> Callable[[], Awaitable[None]]:
    return lambda: sound(verb)


def _wanted(attributes: Mapping[str, str]) -> Wanted:
    kinds = attributes.get("inputType", "dtmf").split()
    pause = attributes.get("digitEndTimeout", "auto")
    most = attributes.get("numDigits", "32")
    last = attributes.get("finishOnKey", "#")
    return Wanted(
        speech="speech" in kinds,
        keys="dtmf" in kinds,
        pause=END_OF_KEYS_SECONDS if pause == "auto" else float(pause),
        last_key="" if last == "none" else last,
        most_keys=int(most),
    )


def _heard(gathered: Gathered, wanted: Wanted) -> Mapping[str, str] | None:
    digits = gathered.digits
    if digits:
        if wanted.last_key:
            digits = digits.removesuffix(wanted.last_key)
        return {"InputType": "dtmf", "Digits": digits, "Speech": "", "SpeechConfidenceScore": ""}
    if gathered.text is not None:
        heard = {"Speech": gathered.text, "SpeechConfidenceScore": "0.92"}
        return {"InputType": "speech", "Digits": "", **heard}
    return None
