"""A media session with a carrier, in virtual time: its beginning, hearing, its end."""

from __future__ import annotations

import anyio
import pytest

from voicecall.calls.line import Heard, Speech
from voicecall.media.g711 import mulaw_decode
from voicecall.model.media import MULAW_8K, PCM16_16K
from voicecall.model.speech import SpeechFinal, SpeechPartial

LONG = "one two three four five six seven eight nine ten eleven twelve"


# -- the beginning


def test_a_stream_that_names_another_call_is_closed_before_any_audio_is_taken(theatre) -> None:
    async def main() -> None:
        async with theatre.session(start=False) as stage:
            stage.phone.start("carrier-of-somebody-else")
            await stage.done.wait()
            assert stage.phone.socket.closed[0] == 1008
            assert stage.desk.log == [] and stage.counters.frames_in == 0

    theatre.run(main)


def test_a_stream_that_does_not_start_is_closed(theatre) -> None:
    async def main() -> None:
        async with theatre.session(start=False) as stage:
            began = anyio.current_time()
            await stage.done.wait()
            assert anyio.current_time() - began == pytest.approx(5.0)
            assert stage.phone.socket.closed[0] == 1008
            assert stage.desk.log == [] and not stage.stt.fed

    theatre.run(main)


def test_a_socket_that_closes_before_its_start_is_no_session(theatre) -> None:
    async def main() -> None:
        async with theatre.session(start=False) as stage:
            stage.phone.hang_up()
            await stage.done.wait()
            assert stage.desk.log == []

    theatre.run(main)


# -- hearing


@pytest.mark.parametrize("format", [MULAW_8K, PCM16_16K])
def test_recognition_is_fed_frames_of_its_own_format(theatre, format) -> None:
    async def main() -> None:
        async with theatre.session(stt_format=format) as stage:
            stage.phone.speak(1.0)
            await anyio.sleep(2)
            assert {len(frame) for frame in stage.stt.frames} == {format.frame_bytes}
            seconds = len(stage.stt.fed) / format.bytes_per_second
            assert seconds == pytest.approx(2.0, abs=0.1)

    theatre.run(main)


def test_lost_recognition_is_asked_again_while_speech_goes_on(theatre) -> None:
    async def main() -> None:
        stt = theatre.ToldStt()
        stt.lose(3)
        async with theatre.session(stt=stt) as stage:
            stage.phone.speak(0.5)
            assert (await stage.say(LONG)).complete
            assert stt.connections == 4
            assert stage.counters.recognition_restarts == 3
            loud = abs(mulaw_decode(bytes(stt.fed)).astype(int)) > 0
            assert loud.sum() > 0.49 * 8000, "what was said while recognition was away is kept"

    theatre.run(main)


def test_recognition_that_fails_for_good_leaves_the_voice(theatre) -> None:
    async def main() -> None:
        stt = theatre.ToldStt()
        stt.lose(1, retryable=False)
        async with theatre.session(stt=stt) as stage:
            assert (await stage.say("one two")).complete
            assert stt.connections == 1
            assert stage.desk.told("unheard") == ["gone"]

    theatre.run(main)


@pytest.mark.parametrize("broken", [KeyError("text"), SystemExit(3)], ids=["raises", "exits"])
def test_a_broken_recogniser_is_named_asked_again_and_does_not_silence_us(
    theatre, caplog, broken
) -> None:
    class Broken(theatre.ToldStt):
        async def transcribe(self, audio, out) -> None:
            if not self.connections:
                self.connections += 1
                raise broken
            await super().transcribe(audio, out)

    async def main() -> None:
        stt = Broken()
        async with theatre.session(stt=stt) as stage:
            assert (await stage.say(LONG)).complete
            assert stt.connections == 2

    theatre.run(main)
    (named,) = [each for each in caplog.records if each.message == "an STT backend is broken"]
    assert vars(named)["stt"] == __name__.partition(".")[0]


def test_recognition_that_stays_lost_is_given_up_after_half_a_minute(theatre) -> None:
    async def main() -> None:
        stt = theatre.ToldStt()
        stt.lose(1000)
        async with theatre.session(stt=stt) as stage:
            await anyio.sleep(25)
            assert stage.desk.told("unheard") == []
            await anyio.sleep(15)
            assert stage.desk.told("unheard") == ["gone"]
            assert not stage.ended.is_set()

    theatre.run(main)


def test_recognition_that_is_lost_now_and_then_is_never_given_up(theatre) -> None:
    async def main() -> None:
        stt = theatre.ToldStt()
        async with theatre.session(stt=stt) as stage:
            for _ in range(4):
                await anyio.sleep(20)
                stt.lose(2)
                stt.cut()
            await anyio.sleep(5)
            assert stt.connections == 1 + 4 * 3
            assert stage.desk.told("unheard") == []

    theatre.run(main)


def test_acceptance_21_a_flood_while_hearing_stalls_drops_the_oldest_and_counts(theatre) -> None:
    async def main() -> None:
        async with theatre.session(limits={"inbound_audio_ms": 2000}) as stage:
            stage.stt.stalled = anyio.Event()
            for number in range(2000):
                stage.phone.send_raw(bytes([number % 200]) * 160)
            await anyio.sleep(10)
            assert stage.counters.frames_in >= 2000
            dropped = stage.counters.dropped_audio_ms
            assert dropped == pytest.approx(stage.counters.frames_in * 20 - 2000, abs=100)
            stage.stt.stalled.set()
            await anyio.sleep(1)
            assert len(stage.stt.fed) / 8000 == pytest.approx(3.0, abs=0.2)

    theatre.run(main)


def test_acceptance_27_malformed_frames_are_counted_and_the_call_goes_on(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            for frame in ("{", '{"unheard": 1}', "[]", "null"):
                stage.phone.send_raw(frame)
            assert (await stage.say("one two")).complete
            assert stage.counters.malformed_frames == 4

    theatre.run(main)


def test_a_parser_that_raises_costs_a_frame_and_not_the_call(theatre) -> None:
    class Fragile(theatre.PlainProtocol):
        def receive(self, frame):
            if frame == "poison":
                raise KeyError("event")
            return super().receive(frame)

    async def main() -> None:
        async with theatre.session(protocol=Fragile()) as stage:
            stage.phone.send_raw("poison")
            assert (await stage.say("one two")).complete
            assert stage.counters.malformed_frames == 1

    theatre.run(main)


def test_keys_pressed_reach_the_desk_in_order(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            for digit in "12#":
                stage.phone.send({"digit": digit})
            await stage.desk.until("digits", 3)
            assert stage.desk.told("digits") == ["1", "2", "#"]

    theatre.run(main)


# -- the end


def test_the_carriers_stop_ends_the_session_and_the_desk_is_told_once(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.phone.send({"stop": True})
            await stage.done.wait()
            assert stage.desk.told("down") == ["the carrier ended the stream"]
            assert stage.phone.socket.closed[0] == 1000

    theatre.run(main)


def test_the_callers_last_words_are_understood_after_the_stream_has_ended(theatre) -> None:
    async def main() -> None:
        stt = theatre.ToldStt()
        stt.last_words = "good bye"
        async with theatre.session(stt=stt) as stage:
            stage.phone.hang_up()
            await stage.done.wait()
            assert stage.desk.log[-2:] == [
                ("heard", "good bye"),
                ("down", "the media socket closed"),
            ]

    theatre.run(main)


def test_acceptance_22_a_half_open_stream_ends_within_five_seconds_of_silence(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            await anyio.sleep(20)
            assert not stage.done.is_set()
            stage.phone.silent = True
            began = anyio.current_time()
            await stage.done.wait()
            assert 4 <= anyio.current_time() - began <= 7.5
            assert stage.desk.told("down") == ["no media came for a while"]

    theatre.run(main)


def test_a_part_that_fails_ends_the_session_and_not_the_process(theatre, caplog) -> None:
    async def main() -> None:
        async with theatre.session() as stage:

            async def broken(heard: Heard) -> None:
                raise RuntimeError("a bug")

            stage.desk.answer = broken
            stage.stt.hear(SpeechFinal(text="hello"))
            await stage.done.wait()
            assert stage.desk.told("down") == ["the session failed"]
            assert stage.phone.socket.closed[0] == 1011

    theatre.run(main)
    assert any(record.exc_info for record in caplog.records)


def test_cancelling_the_session_tells_the_desk_all_the_same(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            job = stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            stage.extra["scope"].cancel()
            await stage.ended.wait()
            assert stage.desk.told("down") == ["the gateway ended the stream"]
            assert (await job.played()).failed

    theatre.run(main)


def test_a_desk_that_waits_does_not_hold_up_the_interruption(theatre) -> None:
    async def main() -> None:
        async with theatre.session() as stage:
            stage.desk.slow = 2.0
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            stage.stt.hear(SpeechPartial(text="wait"))
            decided = anyio.current_time()
            await anyio.sleep(0.5)
            assert stage.phone.clears and stage.phone.clears[0] - decided <= 0.06

    theatre.run(main)


def test_a_tap_hears_both_sides(theatre) -> None:
    taken: list[tuple[str, float]] = []

    class Tap:
        def caller(self, audio, at) -> None:
            taken.append(("caller", at))

        def us(self, audio, at) -> None:
            assert audio.format == MULAW_8K
            taken.append(("us", at))

        def cleared(self, at) -> None:
            taken.append(("cleared", at))

    async def main() -> None:
        async with theatre.session(tap=Tap()) as stage:
            stage.line.speak(Speech(text=LONG))
            await anyio.sleep(1)
            await stage.line.interrupt()
            await anyio.sleep(1)

    theatre.run(main)
    assert {side for side, _ in taken} == {"caller", "us", "cleared"}
    ours = [at for side, at in taken if side == "us"]
    assert ours == sorted(ours) and len(ours) > 50
