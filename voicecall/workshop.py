"""What are calls made with? Voices, ears and a responder, as one configuration wants them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

from voicecall.calls.bus import EventBus
from voicecall.calls.ledger import DialLedger
from voicecall.calls.manager import CallManager
from voicecall.calls.store import CallStore
from voicecall.calls.tools import CallTools
from voicecall.config.loaded import LoadedConfig
from voicecall.config.native_voice import native_voice
from voicecall.errors import ConfigError
from voicecall.generations import Generation
from voicecall.media.counters import MediaCounters
from voicecall.media.phrases import PhraseBook, PreparedVoice
from voicecall.media.session import SessionTools
from voicecall.media.tokens import StreamTokens
from voicecall.media.voices import Voices
from voicecall.model.ids import CallId
from voicecall.model.instructions import OpenStream
from voicecall.opening import Opener
from voicecall.sdk.clock import Clock
from voicecall.sdk.http import HttpClient
from voicecall.sdk.provider import CallProvider, Capability
from voicecall.streams import Streams
from voicecall.tasks import owned_tasks
from voicecall.webhooks.origin import PublicUrls


@dataclass(frozen=True, slots=True, kw_only=True)
class Workshop:
    """Makes generations out of what a gateway has for good.

    Args:
        provider: the carrier.
        urls: where it reaches us.
        store: of every call.
        bus: tells of every call.
        clock: of the gateway.
        tokens: let carriers open media streams.
        counters: what media sessions carried.
        http: lent to plugins.
        state_dir: lent to plugins; also where recordings go.
        ledger: what was dialled, under whatever configuration.
    """

    provider: CallProvider
    urls: PublicUrls
    store: CallStore
    bus: EventBus
    clock: Clock
    tokens: StreamTokens
    counters: MediaCounters
    http: HttpClient
    state_dir: Path
    ledger: DialLedger = field(default_factory=DialLedger)

    async def make(self, loaded: LoadedConfig, stack: AsyncExitStack) -> Generation:
        """Open what `loaded` wants for its calls; closed with `stack`.

        Raises:
            ConfigError: the provider cannot do what it asks for.
            VoicecallError: a plugin did not open.
        """
        require_voice(loaded)
        opener = Opener(
            loaded, state_dir=self.state_dir, clock=self.clock, http=self.http, stack=stack
        )
        voices = streams = None
        if loaded.settings.streaming.enabled:
            voices = await self._voices(loaded, opener, stack)
            streams = self._streams(loaded, await self._speech(loaded, opener, voices), voices)
        return Generation(
            loaded=loaded,
            tools=await self._tools(loaded, opener, voices),
            streams=streams,
        )

    async def _tools(
        self, loaded: LoadedConfig, opener: Opener, voices: Voices | None
    ) -> CallTools:
        spec, settings, native = loaded.provider.spec, loaded.settings, native_voice(loaded)
        wanted = settings.voicemail.detect
        carrier_can = Capability.MACHINE_DETECTION in spec.capabilities
        return CallTools(
            provider=self.provider,
            provider_name=spec.name,
            store=self.store,
            bus=self.bus,
            clock=self.clock,
            settings=settings,
            responder=await opener.responder(),
            open_stream=None if voices is None else self._open_stream,
            prepare=None if voices is None else voices.prepare,
            steers_by_document=spec.steers_by_document,
            digits_end_stream=spec.digits_end_stream,
            digits_by_command=spec.digits_by_command,
            detect_machine=wanted == "carrier" and carrier_can,
            detect_greeting=voices is not None
            and (wanted == "greeting" or (wanted == "carrier" and not carrier_can)),
            voice=native.voice,
            language=native.language,
            ledger=self.ledger,
        )

    async def _voices(self, loaded: LoadedConfig, opener: Opener, stack: AsyncExitStack) -> Voices:
        assert loaded.tts is not None  # the loader asks for one when streaming is on
        general = await opener.synthesis(loaded.tts)
        own = {
            number: await opener.synthesis(chosen) for number, chosen in loaded.number_tts.items()
        }
        tasks = await stack.enter_async_context(owned_tasks())
        book = PhraseBook(loaded.provider.spec.media_format, tasks, self.counters)
        by_number = {number: PreparedVoice(voice, book) for number, voice in own.items()}
        return Voices(PreparedVoice(general, book), by_number)

    async def _speech(self, loaded: LoadedConfig, opener: Opener, voices: Voices) -> SessionTools:
        stt, stt_format = await opener.recognition()
        return SessionTools(
            tts=voices.general,
            stt=stt,
            stt_format=stt_format,
            vad=await opener.vad(),
            media_format=loaded.provider.spec.media_format,
            settings=loaded.settings,
            clock=self.clock,
            counters=self.counters,
        )

    def _open_stream(self, call_id: CallId, later: float) -> OpenStream:
        token = self.tokens.mint(call_id, later=later)
        return OpenStream(url=self.urls.stream(token), token=token)

    def _streams(
        self, loaded: LoadedConfig, speech: SessionTools, voices: Voices
    ) -> Callable[[CallManager], Streams]:
        def serving(manager: CallManager) -> Streams:
            return Streams(
                self.provider,
                manager,
                self.tokens,
                speech,
                voices=voices,
                state_dir=self.state_dir,
                skip_verification=loaded.settings.skip_signature_verification,
            )

        return serving


def require_voice(loaded: LoadedConfig) -> None:
    """Check that the provider can do what media streams, or their absence, ask of it.

    Raises:
        ConfigError: it cannot.
    """
    spec = loaded.provider.spec
    streaming = loaded.settings.streaming.enabled
    needed = Capability.MEDIA_STREAMS if streaming else Capability.NATIVE_SPEECH
    if needed not in spec.capabilities:
        switch = "false" if streaming else "true"
        raise ConfigError(
            f"provider {spec.name!r} does not offer {needed}; set streaming.enabled to {switch}"
        )
