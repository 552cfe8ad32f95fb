"""The kernel's own part of the configuration; plugins own the rest of the file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import Field, model_validator

from voicecall.config.policy_settings import GuardSettings, OptOutSettings, PairingSettings
from voicecall.model.call import CallMode
from voicecall.sdk.config import Secret, Section


class OutboundSettings(Section):
    """`outbound`: how calls that we place behave."""

    default_mode: CallMode = CallMode.NOTIFY
    """The mode of a call that names none: `notify` says one message and hangs up,
    `conversation` talks."""
    notify_hangup_delay_sec: int = Field(default=3, ge=0)
    """Seconds between the end of playback and the hang-up of a notify call."""
    guard: GuardSettings = GuardSettings()
    opt_out: OptOutSettings = OptOutSettings()


class NumberSettings(Section):
    """`numbers.<E.164>`: overrides for calls to one dialled number of ours."""

    inbound_greeting: str | None = None
    """Instead of the general `inboundGreeting`."""
    tts: dict[str, object] | None = Field(default=None, repr=False, exclude=True)
    """Laid over the general `tts`, for inbound calls with media streams."""
    agent_id: str | None = None
    """Instead of the general `agentId`."""
    response_model: str | None = None
    """Instead of the general `responseModel`; it does not select the responder."""
    response_system_prompt: str | None = None
    """Instead of the general `responseSystemPrompt`."""
    response_timeout_ms: int | None = Field(default=None, gt=0)
    """Instead of the general `responseTimeoutMs`."""


class ServeSettings(Section):
    """`serve`: the public listener."""

    port: int = Field(default=3334, ge=0, le=65535)
    """0: a free one."""
    bind: str = "127.0.0.1"
    """The address to listen on."""
    path: str = "/voice/webhook"
    """Where carriers post webhooks to."""


class WebhookSecuritySettings(Section):
    """`webhookSecurity`: whose forwarding headers count."""

    allowed_hosts: tuple[str, ...] = ()
    """Host names, with or without port, that forwarding headers may name."""
    trust_forwarding_headers: bool = False
    """Whether `X-Forwarded-*` and `Host` count at all when the signed URL is rebuilt; they do
    for an allowed host, or from a trusted proxy."""
    trusted_proxy_ips: tuple[str, ...] = Field(default=(), alias="trustedProxyIPs")
    """Addresses or CIDR ranges of proxies whose forwarding headers count."""


class StreamingSettings(Section):
    """`streaming`: media streams and speech recognition."""

    enabled: bool = False
    """Media streams on. Off: the carrier's own voice speaks and listens."""
    stream_path: str = "/voice/stream"
    """Where carriers open media sockets; a one-time token follows it."""
    provider: str | None = None
    """The STT backend. Absent: the only one with a section, else the only one with credentials,
    else the installed offline one."""
    pre_start_timeout_ms: int = Field(default=5000, gt=0)
    """How long an open socket may take to say which call it belongs to."""
    max_pending_connections: int = Field(default=32, gt=0)
    """Sockets that have not sent a frame yet; more are refused with 503."""
    max_pending_connections_per_ip: int = Field(default=4, gt=0)
    """The same for one address; more are refused with 429. Does not count for loopback and
    trusted proxies."""
    max_connections: int = Field(default=128, gt=0)
    """Open sockets; more are refused with 503."""


class TtsSettings(Section):
    """`tts`, after the deep merge over the core speech settings."""

    provider: str | None = None
    """The TTS backend. Absent: chosen as for `streaming.provider`."""
    fallback: tuple[str, ...] = ()
    """Backends that are tried in this order when the first fails before any audio was sent."""
    voice: str | None = None
    """Which of the carrier's own voices speaks while media streams are off. Absent: `voice`,
    `speakerVoice` or `voiceId` of the backend's section, which providers map to what they have."""
    language: str | None = None
    """What the carrier's own voice speaks and hears while media streams are off, for example
    `en-US`. Absent: `language` or `languageCode` of the backend's section, else the carrier's."""


class TunnelSettings(Section):
    """`tunnel`: which exposure plugin makes us reachable."""

    provider: str = "none"
    """An exposure plugin by name, or `none`. `publicUrl` wins over it."""


class ReachabilitySettings(Section):
    """`reachability`: what a bad public URL means."""

    check: Literal["strict", "warn", "off"] = "warn"
    """Whether the public URL is proved, at the start and every minute: its name must resolve to a
    public address, and a request and a media socket that we send to it must come back to us
    unchanged. `strict`: else the gateway does not start, and later is not ready; `warn`: it is
    reported in the log, `/readyz`, `setup` and the metrics; `off`: nothing is sent. A URL that is
    literally loopback or private is refused for every real carrier."""


class GatewaySettings(Section):
    """`gateway`: the private listener with RPC, events and health."""

    port: int = Field(default=18790, ge=0, le=65535)
    """0: a free one; clients on this machine find it through the state directory."""
    bind: str = "127.0.0.1"
    """The address to listen on."""
    allow_insecure_bind: bool = False
    """Allow a `bind` that is not loopback; the RPC is not encrypted, so put TLS in front of it."""
    token: Secret | None = None
    """What clients must show. Absent: made at the first start and kept in the state directory."""
    password: Secret | None = None
    """What clients of the gateway WebSocket may show instead of the token."""
    drain_timeout_seconds: float = Field(default=30.0, ge=0)
    """At a shutdown, how long live calls may go on before they are hung up."""


class VadSettings(Section):
    """`vad`: voice activity detection of our own."""

    provider: str | None = None
    """The VAD backend. Absent: only recognition tells when the caller begins to speak."""


TURN_PRESETS: Mapping[str, Mapping[str, int]] = {
    "phone": {"min_speech_ms": 200, "interrupt_after_ms": 500, "resume_after_ms": 1500},
    "patient": {"min_speech_ms": 300, "interrupt_after_ms": 900, "resume_after_ms": 2500},
    "quick": {"min_speech_ms": 120, "interrupt_after_ms": 300, "resume_after_ms": 1000},
}
"""What `turns.preset` means for the other keys of `turns`."""
SILENCE_PRESETS: Mapping[str, int] = {"phone": 800, "patient": 1400, "quick": 500}
"""What it means for `silenceTimeoutMs`."""


class TurnSettings(Section):
    """`turns`: who speaks when."""

    preset: Literal["phone", "patient", "quick"] = "phone"
    """How eagerly we take turns, in milliseconds of `minSpeechMs`, `interruptAfterMs`,
    `resumeAfterMs` and `silenceTimeoutMs`: `phone` 200, 500, 1500, 800; `patient`, for callers
    who take their time, 300, 900, 2500, 1400; `quick`, for short commands, 120, 300, 1000, 500.
    A key that is set itself wins."""
    min_speech_ms: int = Field(default=200, ge=0)
    """A voice shorter than this does not interrupt us, as long as it has no words."""
    interrupt_after_ms: int = Field(default=500, ge=0)
    """A voice that goes on for so long silences us before its words are known; words silence us
    at once."""
    backchannels: tuple[str, ...] = (
        "mhm",
        "mm-hmm",
        "mmhmm",
        "mm",
        "hm",
        "hmm",
        "uh-huh",
        "aha",
        "okay",
        "ok",
        "right",
        "i see",
    )
    """Said while we speak, these do not interrupt."""
    resume_after_ms: int = Field(default=1500, ge=0)
    """Speech that began and brought neither voice nor words for so long was none: what it
    silenced goes on where it was left, once. At least `silenceTimeoutMs` and half a second."""
    echo_gate: bool = True
    """Whether our own voice, coming back, is told from the caller's."""

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: object) -> object:
        """What is not set is as the preset has it."""
        if not isinstance(data, dict):
            return data
        values = TURN_PRESETS.get(str(data.get("preset")), {})
        unset = {
            name: value
            for name, value in values.items()
            if name not in data and cls.model_fields[name].alias not in data
        }
        return {**data, **unset}


class VoicemailSettings(Section):
    """`voicemail`: what to do when a machine answers."""

    on_machine: Literal["hangup", "message"] | None = None
    """Default: `message` in notify calls, `hangup` in conversations."""
    message: str | None = None
    """Said to a machine instead of the call's own message."""
    detect: Literal["carrier", "greeting", "off"] = "carrier"
    """`carrier`: the carrier tells machines from people; where its provider cannot, and always
    with `greeting`, we do: by the shape of the greeting and the beep, on media streams."""


class RecordingSettings(Section):
    """`recording`: stereo WAV files, caller left, us right."""

    enabled: bool = False
    """Whether calls with media streams are recorded by us."""
    path: str | None = None
    """A folder. Absent: `recordings` in the state directory."""


class LimitSettings(Section):
    """`limits`: bounds on what strangers can make us do."""

    webhook_body_bytes: int = Field(default=256 * 1024, gt=0)
    """The longest webhook body; the smaller of this and `unverifiedBodyBytes` counts."""
    unverified_body_bytes: int = Field(default=64 * 1024, gt=0)
    """The longest body that is read before its signature is checked; longer: 413."""
    body_timeout_ms: int = Field(default=5000, gt=0)
    """How long headers may take to arrive, and then a body; longer: 408."""
    connections: int = Field(default=1000, gt=0)
    """Connections to one listener, at most a third of the open files that the system allows; for
    one more the one that has been idle longest is closed."""
    header_bytes: int = Field(default=16 * 1024, gt=0)
    """The longest headers of a request, all together; longer: 431."""
    unverified_requests_per_address: int = Field(default=8, gt=0)
    """Webhooks of one address whose body is being read; more: 429."""
    unverified_requests_trusted: int = Field(default=64, gt=0)
    """The same for loopback and trusted proxies, behind which all carriers look alike."""
    media_message_bytes: int = Field(default=64 * 1024, gt=0)
    """The longest message on a media socket."""
    unsent_bytes_per_socket: int = Field(default=1024 * 1024, gt=0)
    """Audio that a carrier has not taken yet; more closes the socket with 1013."""
    media_silence_ms: int = Field(default=5000, gt=0)
    """A stream on which nothing came for so long is ended, and the carrier is asked."""
    inbound_audio_ms: int = Field(default=10_000, gt=0)
    """Audio that waits for recognition; the oldest is dropped and counted."""
    queued_utterances: int = Field(default=8, gt=0)
    """Utterances that wait on one call; more are refused."""
    stream_token_ms: int = Field(default=30_000, gt=0)
    """How long a stream token is good."""


class Settings(Section):
    """The voice-call section, without what plugins own. Names as in the file, snake_case."""

    enabled: bool = True
    """Off: nothing starts, and commands say so. In a gateway file the default is false."""
    provider: str = "mock"
    """The carrier's plugin."""
    from_number: str | None = None
    """Our number, E.164; what the callee sees. Needed by providers that say so."""
    to_number: str | None = None
    """Whom `voicecall call` calls when no number is given, E.164."""
    inbound_policy: Literal["disabled", "allowlist", "pairing", "open"] = "disabled"
    """Who may call us: nobody, the numbers in `allowFrom` and those that were paired, or
    everybody. `pairing`: as `allowlist`, and a stranger hears a code that the operator can
    approve (`voicecall pairing approve CODE`)."""
    allow_from: tuple[str, ...] = ()
    """E.164 numbers, compared exactly. A filter, not authentication: caller ids can be forged."""
    min_attestation: Literal["A", "B", "C"] | None = None
    """The weakest STIR/SHAKEN attestation of a caller's number that is accepted, under every
    policy; callers without one are refused. Absent: it does not matter."""
    pairing: PairingSettings = PairingSettings()
    inbound_greeting: str = "Hello! How can I help you today?"
    """What we say first to somebody who calls."""
    numbers: dict[str, NumberSettings] = Field(default_factory=dict)
    """Overrides for calls to one of our numbers, by that number."""
    outbound: OutboundSettings = OutboundSettings()
    max_duration_seconds: int = Field(default=300, gt=0)
    """From the answer on; then the call is hung up and ends as `timeout`. A caller who was
    transferred is no exception: what follows is still this call."""
    stale_call_reaper_seconds: int = Field(default=120, ge=0)
    """A call that was not answered within this is hung up and ends as `timeout`; 0: never."""
    silence_timeout_ms: int = Field(default=800, gt=0)
    """How long the caller must be silent to have finished speaking. `turns.preset` may set it."""
    transcript_timeout_ms: int = Field(default=180_000, gt=0)
    """How long `continue` waits for the caller's answer."""
    ring_timeout_ms: int = Field(default=30_000, gt=0)
    """How long the other side may ring; the carrier is told, and ten seconds later we hang up."""
    max_concurrent_calls: int = Field(default=1, gt=0)
    """Live calls, inbound ones and pending dials included."""
    serve: ServeSettings = ServeSettings()
    tunnel: TunnelSettings = TunnelSettings()
    reachability: ReachabilitySettings = ReachabilitySettings()
    webhook_security: WebhookSecuritySettings = WebhookSecuritySettings()
    skip_signature_verification: bool = False
    """Accept webhooks whose signature is wrong, for development. Refused unless `serve.bind` is
    loopback and nothing makes us public."""
    streaming: StreamingSettings = StreamingSettings()
    tts: TtsSettings = TtsSettings()
    store: str | None = None
    """The SQLite file. Absent: `calls.db` in the state directory."""
    agent_id: str = "main"
    """Handed to the responder with every turn."""
    session_scope: Literal["per-phone", "per-call", "main"] = "per-phone"
    """What conversation memory is keyed by: the other party's number, the call, or one key for
    all. Handed to the responder, together with `agentId`."""
    responder: str | None = None
    """Who answers callers, by plugin name. Absent: nobody; calls are heard and written down."""
    response_model: str | None = None
    """A language model as `vendor/model`. Selects the responder `model` when `responder` is
    absent."""
    response_system_prompt: str | None = None
    """Who the language model is on the phone, and what it is for. Handed to the responder."""
    response_timeout_ms: int = Field(default=30_000, gt=0)
    """How long a responder may take for a reply, without the time in which the caller still
    listens to its beginning; then the caller hears an apology."""
    gateway: GatewaySettings = GatewaySettings()
    vad: VadSettings = VadSettings()
    turns: TurnSettings = TurnSettings()
    voicemail: VoicemailSettings = VoicemailSettings()
    recording: RecordingSettings = RecordingSettings()
    sinks: tuple[dict[str, object], ...] = Field(default=(), repr=False, exclude=True)
    """Receivers of call events, each `{ use: name, ... }` with that plugin's own keys."""
    limits: LimitSettings = LimitSettings()

    @property
    def response_models(self) -> tuple[str, ...]:
        """Every model that a call may name, the general one first."""
        own = (number.response_model for number in self.numbers.values())
        return tuple(dict.fromkeys(filter(None, (self.response_model, *own))))

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, data: object) -> object:
        """How long the caller may pause is a matter of `turns.preset`, unless it is set."""
        if not isinstance(data, dict) or {"silenceTimeoutMs", "silence_timeout_ms"} & data.keys():
            return data
        turns = data.get("turns")
        preset = turns.get("preset") if isinstance(turns, dict) else getattr(turns, "preset", None)
        silence = SILENCE_PRESETS.get(str(preset))
        return data if silence is None else {**data, "silence_timeout_ms": silence}
