"""Does each instruction reach Telnyx as the command, and under the turn, that it should?"""

import base64
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from voicecall.sdk import (
    Answer,
    CallAnswered,
    CallEnded,
    CarrierCall,
    CarrierEvent,
    CarrierRejected,
    DigitsPressed,
    EndCause,
    Gather,
    Instruction,
    Live,
    OpenStream,
    Pause,
    Play,
    Say,
    SendDigits,
    SpeechEnded,
    SpeechHeard,
    StopSpeaking,
    StreamToken,
    Transfer,
    TurnToken,
    UnknownEvent,
)
from voicecall_conformance import RestAnswer, RestRequest
from voicecall_conformance.borrowed import NOW
from voicecall_conformance.rig import SECRET, Rig, rigged
from voicecall_telnyx.client_state import ClientState, read_state
from voicecall_telnyx.events import NOBODY_LISTENS
from voicecall_telnyx.testing import TelnyxHarness

A, B, C = TurnToken("turn-a"), TurnToken("turn-b"), TurnToken("turn-c")
STREAM = OpenStream(url="wss://voice.example.test/s/token", token=StreamToken("token"))


class Told:
    """What Telnyx was told after the call was placed."""

    def __init__(self, rig: Rig, call: CarrierCall) -> None:
        self.rig = rig
        self.call = call
        self._seen = len(rig.requests)

    async def do(self, *instructions: Instruction) -> list[str]:
        """Carry out `instructions`; the names of the commands that they became."""
        await self.rig.provider.command(self.call, instructions)
        return self.names()

    def requests(self) -> list[RestRequest]:
        found = self.rig.requests[self._seen :]
        return [each for each in found if "/actions/" in each.path]

    def names(self) -> list[str]:
        names = [request.path.rpartition("/")[2] for request in self.requests()]
        self._seen = len(self.rig.requests)
        return names

    def body(self, place: int = -1) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.rig.requests[place].body)
        return found

    def state(self, place: int = -1) -> ClientState:
        found = read_state(self.body(place)["client_state"])
        assert found is not None
        return found

    def hear(self, event: CarrierEvent, state: ClientState | None = None) -> CarrierEvent:
        """What the provider makes of Telnyx's report of `event` while the leg has `state`."""
        request = self.rig.webhook(event)
        if state is not None:
            request = self._restated(event, state)
        (heard,) = self.rig.hear(request)
        return heard

    def _restated(self, event: CarrierEvent, state: ClientState) -> Any:
        harness = self.rig.harness
        assert isinstance(harness, TelnyxHarness)
        return harness.webhook(event, urls=self.rig.urls, at=NOW, state=state)


@asynccontextmanager
async def answered(harness: TelnyxHarness | None = None, **changes: Any) -> AsyncIterator[Told]:
    async with rigged(harness or TelnyxHarness()) as rig:
        call = await rig.place()
        rig.harness.set_status(rig.carrier_call_id, Live(answered=True))
        yield Told(rig, replace(call, **changes))


Refusing = Callable[[RestRequest, str], RestAnswer | None]


class Moody(TelnyxHarness):
    """A Telnyx that has its own mind about some commands."""

    def __init__(self, refuse: Refusing) -> None:
        super().__init__()
        self._refuse = refuse

    def answer(self, request: RestRequest) -> RestAnswer:
        own = self._refuse(request, request.path.rpartition("/")[2])
        return own or super().answer(request)


def problem(status: int, code: str, title: str) -> RestAnswer:
    body = {"errors": [{"code": code, "title": title, "detail": title}]}
    return RestAnswer(status=status, body=json.dumps(body).encode())


@pytest.mark.anyio
async def test_every_command_has_an_id_of_its_own_and_the_state_of_its_call() -> None:
    async with answered() as told:
        await told.do(Say(text="Good morning.", turn=A), SendDigits(digits="1"))
        first, second = told.body(-2), told.body(-1)
        assert first["command_id"] != second["command_id"]
        state = told.state()
        assert (state.call, state.secret, state.up) == (told.call.call_id, SECRET, True)


@pytest.mark.anyio
async def test_an_order_that_is_repeated_has_the_same_command_id() -> None:
    async with rigged(TelnyxHarness()) as rig:
        await rig.place()
        with pytest.raises(CarrierRejected):
            await rig.place()  # the double, unlike Telnyx, tells that it ignored it
        ids = [json.loads(request.body)["command_id"] for request in rig.requests]
        assert ids == [rig.call_id, rig.call_id]


@pytest.mark.anyio
async def test_a_dial_carries_its_call_in_callback_and_state() -> None:
    async with rigged(TelnyxHarness()) as rig:
        await rig.place(detect_machine=True, await_beep=True, dtmf_sequence="1w2")
        body = json.loads(rig.requests[-1].body)
        assert body["webhook_url"] == rig.urls.webhook(call=rig.call_id, secret=SECRET)
        state = json.loads(base64.b64decode(body["client_state"]))
        assert state == {"call": rig.call_id, "secret": SECRET}
        assert body["answering_machine_detection"] == "greeting_end"
        assert body["send_digits_on_answer"] == "1w2"
        assert (body["timeout_secs"], body["time_limit_secs"]) == (25, 240)


@pytest.mark.anyio
async def test_more_keys_than_telnyx_takes_are_refused_before_any_request() -> None:
    async with rigged(TelnyxHarness()) as rig:
        with pytest.raises(CarrierRejected, match="64"):
            await rig.place(dtmf_sequence="1" * 65)
        assert rig.requests == []


@pytest.mark.anyio
async def test_a_prompt_speaks_first_and_then_listens_under_its_turn() -> None:
    async with answered() as told:
        names = await told.do(Say(text="Your name?", turn=A), Gather(turn=A, timeout_seconds=8))
        assert names == ["speak", "transcription_start"]
        assert (told.state(-2).say, told.state(-2).listen) == (A, None)
        assert (told.state(-1).say, told.state(-1).listen) == (A, A)
        assert told.body()["transcription_tracks"] == "inbound"


@pytest.mark.anyio
async def test_recognition_begins_anew_with_the_next_prompt() -> None:
    """Lesson 15: words from before the prompt must not answer it."""
    async with answered() as told:
        await told.do(Gather(turn=A, timeout_seconds=8))
        names = await told.do(Say(text="And then?", turn=B), Gather(turn=B, timeout_seconds=8))
        assert names == ["speak", "transcription_stop", "transcription_start"]
        assert [told.state(place).listen for place in (-3, -2, -1)] == [None, None, B]


@pytest.mark.anyio
async def test_a_text_that_wants_no_answer_ends_recognition() -> None:
    async with answered() as told:
        await told.do(Gather(turn=A, timeout_seconds=8))
        assert await told.do(Say(text="Goodbye.", turn=B)) == ["speak", "transcription_stop"]
        assert await told.do(Gather(turn=C, timeout_seconds=8)) == ["transcription_start"]


@pytest.mark.anyio
async def test_listening_on_gets_the_new_turn() -> None:
    async with answered() as told:
        await told.do(Gather(turn=A, timeout_seconds=8))
        names = await told.do(Gather(turn=B, timeout_seconds=8))
        assert names == ["transcription_stop", "transcription_start"]
        assert told.state().listen == B


@pytest.mark.anyio
async def test_recognition_that_runs_without_our_knowing_is_begun_anew() -> None:
    """After a restart nothing is remembered of what the leg does."""
    refusals = [problem(422, "90040", "Transcription already in progress")]

    def refuse(request: RestRequest, name: str) -> RestAnswer | None:
        return refusals.pop() if name == "transcription_start" and refusals else None

    async with answered(Moody(refuse)) as told:
        names = await told.do(Gather(turn=A, timeout_seconds=8, language="de-AT"))
        assert names == ["transcription_start", "transcription_stop", "transcription_start"]
        assert told.body()["transcription_engine_config"]["language"] == "de"


@pytest.mark.anyio
async def test_a_wrong_parameter_is_not_taken_for_a_state() -> None:
    def refuse(request: RestRequest, name: str) -> RestAnswer | None:
        wrong = name == "transcription_start"
        return problem(422, "10015", "Bad Request") if wrong else None

    async with answered(Moody(refuse)) as told:
        with pytest.raises(CarrierRejected, match="10015"):
            await told.do(Gather(turn=A, timeout_seconds=8))
        assert told.names() == ["transcription_start"]


@pytest.mark.anyio
async def test_a_stream_that_telnyx_takes_for_open_is_closed_first() -> None:
    refusals = [problem(422, "90046", "Media streaming already started")]

    def refuse(request: RestRequest, name: str) -> RestAnswer | None:
        return refusals.pop() if name == "streaming_start" and refusals else None

    async with answered(Moody(refuse)) as told:
        assert await told.do(STREAM) == ["streaming_start", "streaming_stop", "streaming_start"]
        body = told.body()
        assert body["stream_bidirectional_mode"] == "rtp"
        assert body["stream_bidirectional_target_legs"] == "self"


@pytest.mark.anyio
async def test_silence_that_cannot_be_stopped_is_no_error() -> None:
    def refuse(request: RestRequest, name: str) -> RestAnswer | None:
        nothing = name == "playback_stop"
        return problem(422, "90034", "Nothing is played") if nothing else None

    async with answered(Moody(refuse)) as told:
        assert await told.do(StopSpeaking()) == ["playback_stop"]
        assert told.body()["stop"] == "all"


@pytest.mark.anyio
async def test_an_accepted_caller_is_answered_with_a_callback_of_its_own() -> None:
    async with answered(answered=False) as told:
        assert await told.do(Answer()) == ["answer"]
        wanted = told.rig.urls.webhook(call=told.call.call_id, secret=SECRET)
        assert told.body()["webhook_url"] == wanted
        assert told.state().up


@pytest.mark.anyio
async def test_a_pause_needs_no_command_and_a_file_is_played() -> None:
    async with answered() as told:
        url = "https://media.example.com/a.wav"
        assert await told.do(Pause(seconds=3), Play(url=url)) == ["playback_start"]
        assert told.body()["audio_url"] == url


@pytest.mark.anyio
async def test_the_leg_that_a_transfer_dials_is_never_a_call_of_its_own() -> None:
    async with answered() as told:
        assert await told.do(Transfer(to="+15550003333")) == ["transfer"]
        body = told.body()
        assert (body["to"], body["from"]) == ("+15550003333", "+15550001111")
        state = read_state(body["target_leg_client_state"])
        told.rig.carrier_call_id = "v3:the-second-leg"  # type: ignore[assignment]
        for event in (
            told.rig.about(CallAnswered, key="other-answered"),
            told.rig.about(CallEnded, key="other-ended", cause=EndCause.COMPLETED),
        ):
            heard = told.hear(event, state)
            assert isinstance(heard, UnknownEvent)
            assert heard.call_id is None


# -- turns come back


@pytest.mark.anyio
async def test_speech_and_answers_bear_the_turns_of_the_leg() -> None:
    async with answered() as told:
        rig = told.rig
        await told.do(Say(text="Your name?", turn=A), Gather(turn=A, timeout_seconds=8))
        state = told.state()
        spoken = told.hear(rig.about(SpeechEnded, key="spoken"), state)
        heard = told.hear(rig.about(SpeechHeard, key="heard", text="Ada"), state)
        pressed = told.hear(rig.about(DigitsPressed, key="pressed", digits="1"), state)
        assert isinstance(spoken, SpeechEnded) and spoken.turn == A
        assert isinstance(heard, SpeechHeard) and heard.turn == A
        assert isinstance(pressed, DigitsPressed) and pressed.turn == A


@pytest.mark.anyio
async def test_words_that_come_while_nobody_listens_answer_no_turn() -> None:
    async with answered() as told:
        await told.do(Gather(turn=A, timeout_seconds=8))
        await told.do(Say(text="One moment.", turn=B))
        late = told.rig.about(SpeechHeard, key="late", text="Ada")
        heard = told.hear(late, told.state())
        assert isinstance(heard, SpeechHeard)
        assert heard.turn == NOBODY_LISTENS


@pytest.mark.anyio
async def test_a_text_in_pieces_is_over_with_its_last_piece() -> None:
    text = "This is one sentence of many. " * 250
    async with answered() as told:
        assert await told.do(Say(text=text, turn=A)) == ["speak", "speak", "speak"]
        assert "".join(told.body(place)["payload"] for place in (-3, -2, -1)) == text
        rig, state = told.rig, told.state()
        ends = [rig.about(SpeechEnded, key=f"piece-{n}") for n in (1, 1, 2, 3)]
        heard = [told.hear(event, state) for event in ends]
        kinds = [type(event) for event in heard]
        assert kinds == [UnknownEvent, UnknownEvent, UnknownEvent, SpeechEnded]


@pytest.mark.anyio
async def test_a_text_in_pieces_that_is_cut_is_over_at_once() -> None:
    async with answered() as told:
        await told.do(Say(text="One sentence. " * 300, turn=A))
        cut = told.rig.about(SpeechEnded, key="cut", complete=False)
        heard = told.hear(cut, told.state())
        assert isinstance(heard, SpeechEnded) and not heard.complete and heard.turn == A
