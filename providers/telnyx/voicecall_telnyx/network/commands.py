"""What does each command of Call Control do to a leg? One small function a command.

developers.telnyx.com, *Call Control → Call Commands*.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from voicecall_telnyx.network import answers, stream
from voicecall_telnyx.network.answers import not_now
from voicecall_telnyx.network.call import TelnyxCall
from voicecall_telnyx.network.keypad import rules_of

Fields = Mapping[str, Any]
Result = Mapping[str, object] | None
IGNORED_SECONDS = 60.0
"""How long a repeated ``command_id`` is ignored, in call seconds."""
WITHOUT_ANSWER = ("answer", "reject", "hangup", "client_state_update")


def perform(call: TelnyxCall, name: str, fields: Fields) -> Mapping[str, object]:
    """Carry out a command; what it answers.

    Raises:
        Refused: it does not fit what the leg does.
        BadField: it orders what the double cannot do.
    """
    now, command_id = call.network.around.clock.now(), fields.get("command_id")
    if command_id in call.commands and now - call.commands[command_id] < IGNORED_SECONDS:
        return {"result": "ok"}
    if name not in WITHOUT_ANSWER and not call.leg.answered:
        raise not_now(answers.NOT_ANSWERED)
    before = call.report.client_state
    call.report.client_state = fields.get("client_state", before)
    try:
        result = _COMMANDS[name](call, fields)
    except Exception:
        call.report.client_state = before
        raise
    if command_id is not None:
        call.commands[command_id] = now
    return {"result": "ok", **(result or {})}


def _must_ring_here(call: TelnyxCall) -> None:
    if call.leg.answered or call.order:
        raise not_now(answers.ALREADY_ANSWERED)


def _answer(call: TelnyxCall, fields: Fields) -> Result:
    _must_ring_here(call)
    stream.check(fields)
    call.answer(fields)
    return None


def _reject(call: TelnyxCall, fields: Fields) -> Result:
    _must_ring_here(call)
    call.reject(fields["cause"])
    return None


def _hangup(call: TelnyxCall, fields: Fields) -> Result:
    call.leg.hang_up()
    return None


def _speak(call: TelnyxCall, fields: Fields) -> Result:
    call.voice.speak(fields)
    return None


def _playback_start(call: TelnyxCall, fields: Fields) -> Result:
    call.voice.play(fields)
    return None


def _playback_stop(call: TelnyxCall, fields: Fields) -> Result:
    call.voice.stop(fields.get("stop", "all"))
    return None


def _send_dtmf(call: TelnyxCall, fields: Fields) -> Result:
    call.leg.tasks.start_soon(call.leg.send_digits, fields["digits"])
    return None


def _transcription_start(call: TelnyxCall, fields: Fields) -> Result:
    if call.recognition.running:
        raise not_now(answers.RUNNING)
    call.recognition.start(fields)
    return None


def _transcription_stop(call: TelnyxCall, fields: Fields) -> Result:
    if not call.recognition.running:
        raise not_now(answers.NOT_RUNNING)
    call.recognition.stop()
    return None


def _streaming_start(call: TelnyxCall, fields: Fields) -> Result:
    stream.check(fields)
    if call.stream is not None and call.stream.live:
        raise not_now(answers.RUNNING)
    return {"stream_id": call.open_stream(fields).id}


def _streaming_stop(call: TelnyxCall, fields: Fields) -> Result:
    live = call.stream if call.stream is not None and call.stream.live else None
    if live is None or fields.get("stream_id", live.id) != live.id:
        raise not_now(answers.NOT_RUNNING)
    live.stop()
    return None


def _transfer(call: TelnyxCall, fields: Fields) -> Result:
    if call.being_transferred:
        raise not_now(answers.RUNNING)
    call.transfer(fields)
    return None


def _gather(call: TelnyxCall, fields: Fields) -> Result:
    _must_not_gather(call)
    call.keypad.start(rules_of(fields, prompted=False), call.leg.tasks)
    return None


def _gather_using_speak(call: TelnyxCall, fields: Fields) -> Result:
    _must_not_gather(call)
    invalid = {**fields, "payload": fields.get("invalid_payload", fields["payload"])}
    call.keypad.start(
        rules_of(fields, prompted=True),
        call.leg.tasks,
        lambda: call.voice.speak(fields),
        lambda: call.voice.speak(invalid),
    )
    return None


def _gather_using_audio(call: TelnyxCall, fields: Fields) -> Result:
    _must_not_gather(call)
    invalid = {
        "audio_url": fields.get("invalid_audio_url", fields.get("audio_url")),
        "media_name": fields.get("invalid_media_name", fields.get("media_name")),
    }
    call.keypad.start(
        rules_of(fields, prompted=True),
        call.leg.tasks,
        lambda: call.voice.play(fields),
        lambda: call.voice.play(invalid),
    )
    return None


def _must_not_gather(call: TelnyxCall) -> None:
    if call.keypad.gathering:
        raise not_now(answers.RUNNING)


def _gather_stop(call: TelnyxCall, fields: Fields) -> Result:
    if not call.keypad.gathering:
        raise not_now(answers.NOT_RUNNING)
    call.keypad.stop()
    return None


def _client_state_update(call: TelnyxCall, fields: Fields) -> Result:
    return None


_COMMANDS: Mapping[str, Callable[[TelnyxCall, Fields], Result]] = {
    "answer": _answer,
    "reject": _reject,
    "hangup": _hangup,
    "speak": _speak,
    "playback_start": _playback_start,
    "playback_stop": _playback_stop,
    "send_dtmf": _send_dtmf,
    "transcription_start": _transcription_start,
    "transcription_stop": _transcription_stop,
    "streaming_start": _streaming_start,
    "streaming_stop": _streaming_stop,
    "transfer": _transfer,
    "gather": _gather,
    "gather_using_speak": _gather_using_speak,
    "gather_using_audio": _gather_using_audio,
    "gather_stop": _gather_stop,
    "client_state_update": _client_state_update,
}
