"""What does the author of an STT backend subclass? `SttConformance`, every rule in one class."""

from __future__ import annotations

import anyio

from voicecall.sdk import ALAW_8K, FRAME_SECONDS, MULAW_8K, PCM16_8K, PCM16_16K, SpeechError
from voicecall_conformance.rules import applies, equal, hold, ruling
from voicecall_conformance.sealed import Sealed
from voicecall_conformance.speech.harness import Trouble
from voicecall_conformance.speech.package import package_suite
from voicecall_conformance.speech.rig import Underway, happens, settle
from voicecall_conformance.speech.sounds import quiet
from voicecall_conformance.speech.stt.harness import SAID_TEXTS, SILENCE_SECONDS
from voicecall_conformance.speech.stt.rig import (
    PAUSE_SECONDS,
    Line,
    SttRig,
    Transcript,
    in_order,
    letters,
    stt_rig,
)
from voicecall_conformance.speech.stt.rulebook import STT

rule = ruling(STT, stt_rig)

TEXT, OTHER, LAST = SAID_TEXTS
FORMATS = (MULAW_8K, ALAW_8K, PCM16_8K, PCM16_16K)
TRANSIENT = (Trouble.RATE, Trouble.BROKEN, Trouble.LOST)
SLACK_SECONDS = 0.5
"""By which a backend may misjudge when the caller fell silent."""
AWAY_SECONDS = 40.0
QUEUE_SECONDS = 5.0
MOST_SECONDS = 30.0
NO_VENDOR = "there is no vendor that could do so"


class SttConformance(package_suite("stt", rule), Sealed):  # type: ignore[misc]
    """Every rule that an STT backend keeps, as tests::

        class TestAcme(SttConformance):
            harness_type = AcmeHarness

    A rule that cannot be kept is a `Deviation` of the harness; a test is never overridden.
    """

    @rule("stt.hears")
    async def test_what_is_said_comes_back_once(self, rig: SttRig) -> None:
        out = await rig.hear(await rig.whole(TEXT, OTHER, LAST))
        rig.heard(out, TEXT, OTHER, LAST)

    @rule("stt.order")
    async def test_an_utterance_begins_goes_on_and_ends(self, rig: SttRig) -> None:
        out = await rig.hear(await rig.whole(TEXT, OTHER))
        in_order(out)
        equal("utterances", len(out.finals), 2)

    @rule("stt.partials")
    async def test_partials_come_while_somebody_speaks(self, rig: SttRig) -> None:
        applies(rig.harness.partials, "it tells finals only")
        out = await rig.hear(await rig.whole(TEXT))
        told = out.partials
        hold(bool(told), "there is no partial")
        hold(all(told), "a partial is empty")
        hold(all(one != other for one, other in zip(told, told[1:], strict=False)), "told twice")

    @rule("stt.quiet")
    async def test_silence_is_nothing(self, rig: SttRig) -> None:
        line = Line(rig.format)
        line.say(quiet(rig.format, 3.0))
        line.close()
        equal("events", (await rig.hear(line)).parts, [])

    @rule("stt.ends")
    async def test_the_end_of_the_audio_ends_the_utterance(self, rig: SttRig) -> None:
        line = Line(rig.format)
        line.say(await rig.harness.speech(TEXT))
        line.close()
        rig.heard(await rig.hear(line), TEXT)
        nothing = Line(rig.format)
        nothing.close()
        equal("events of no audio", (await rig.hear(nothing)).parts, [])

    @rule("stt.times")
    async def test_a_final_says_when_the_caller_stopped(self, rig: SttRig) -> None:
        for final in (await rig.hear(await rig.whole(TEXT, OTHER))).finals:
            ago, sure = final.speech_ended_ago, final.confidence
            longest = PAUSE_SECONDS + SLACK_SECONDS
            hold(0 <= ago <= longest, f"silent for {ago:.2f} s, of {PAUSE_SECONDS:g} s")
            hold(sure is None or 0 <= sure <= 1, f"a confidence of {sure}")
        out, line = Transcript(), Line(rig.format)
        line.say([*await rig.harness.speech(TEXT), *quiet(rig.format, SILENCE_SECONDS)])
        line.close()
        (final,) = (await rig.hear(line, out)).finals
        longest = SILENCE_SECONDS + SLACK_SECONDS
        hold(final.speech_ended_ago <= longest, f"silent for {final.speech_ended_ago:.2f} s")

    @rule("stt.format")
    async def test_the_vendor_gets_what_the_caller_says(self, rig: SttRig) -> None:
        hold(rig.format in FORMATS, f"it wants {rig.format}, of which there is none")
        applies(rig.harness.steers, NO_VENDOR)
        said = await rig.said(TEXT)
        await rig.hear(await rig.whole(TEXT))
        (frames,) = rig.harness.heard()
        equal("the vendor was sent what was said", list(frames[: len(said)]) == said, True)

    @rule("stt.patient")
    async def test_a_sink_that_takes_its_time_gets_everything_in_turn(self, rig: SttRig) -> None:
        out = Transcript(room=1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rig.hear, await rig.whole(TEXT, OTHER), out)
            await happens(out.full, "the first event")
            await settle()
            out.open_up()
        hold(not out.crowded, "an event was written while another one still was")
        rig.heard(out, TEXT, OTHER)

    @rule("stt.cancel")
    async def test_a_cancelled_stream_stops_at_once(self, rig: SttRig) -> None:
        out, line, underway = Transcript(room=1), Line(rig.format), Underway()
        line.say(await rig.said(TEXT))
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(underway.run, rig.hear, line, out)
            await happens(out.full, "the first event")
            at_once = await underway.ends()
            out.closed = True
            out.open_up()
            line.close()
        hold(at_once, "it went on after it was cancelled")
        await settle()
        equal("events after it was cancelled", out.late, 0)
        if rig.harness.steers:
            await rig.sees("that nobody is connected any more", rig.harness.dropped)
        rig.heard(await rig.hear(await rig.whole(OTHER)), OTHER)

    @rule("stt.unmixed")
    async def test_streams_at_once_do_not_mix(self, rig: SttRig) -> None:
        outs = [Transcript() for _ in SAID_TEXTS]
        async with anyio.create_task_group() as tasks:
            for text, out in zip(SAID_TEXTS, outs, strict=True):
                tasks.start_soon(rig.hear, await rig.whole(text), out)
        for text, out in zip(SAID_TEXTS, outs, strict=True):
            rig.heard(out, text)

    @rule("stt.credentials")
    async def test_bad_credentials_are_told_and_final(self, rig: SttRig) -> None:
        applies(Trouble.CREDENTIALS in rig.harness.troubles, "it needs no account")
        error = await rig.meet(Trouble.CREDENTIALS)
        equal("retryable", error.retryable, False)
        hold(rig.harness.key in str(error), f"{rig.harness.key!r} is not named in: {error}")

    @rule("stt.retryable")
    async def test_what_may_pass_may_be_tried_again(self, rig: SttRig) -> None:
        met = [trouble for trouble in TRANSIENT if trouble in rig.harness.troubles]
        applies(bool(met), NO_VENDOR)
        for trouble in met:
            equal(f"{trouble}: retryable", (await rig.meet(trouble)).retryable, True)
        rig.heard(await rig.hear(await rig.whole(TEXT)), TEXT)

    @rule("stt.refused")
    async def test_a_refusal_is_final(self, rig: SttRig) -> None:
        applies(Trouble.REFUSED in rig.harness.troubles, NO_VENDOR)
        equal("retryable", (await rig.meet(Trouble.REFUSED)).retryable, False)

    @rule("stt.reconnects")
    async def test_a_lost_connection_is_replaced(self, rig: SttRig) -> None:
        applies(rig.harness.steers, NO_VENDOR)
        rig.harness.cut(len(await rig.harness.speech(TEXT)) // 2)
        rig.heard(await rig.hear(await rig.whole(TEXT)), TEXT)
        equal("connections", len(rig.harness.heard()), 2)
        hold(bool(rig.logged), "the log does not say so")

    @rule("stt.away")
    async def test_what_waits_for_the_vendor_is_bounded(self, rig: SttRig) -> None:
        applies(rig.harness.steers, NO_VENDOR)
        line, out = Line(rig.format, QUEUE_SECONDS), Transcript()
        said, last = await rig.harness.speech(TEXT), await rig.said(LAST)
        rig.harness.leave(len(said) // 2)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rig.hear, line, out)
            line.say(said)
            await rig.sees("an attempt to connect", rig.harness.missed)
            for _ in range(round(AWAY_SECONDS)):
                line.say(quiet(rig.format, 1.0))
                for _ in range(10):  # whoever wants these frames shall get them
                    await settle()
            rig.harness.come_back()
            line.say(last)
            line.close()
        equal("the last that was heard", out.texts[-1:], [letters(LAST)])
        in_order(out)
        sent = sum(map(len, rig.harness.heard()[1:])) * FRAME_SECONDS
        hold(sent <= MOST_SECONDS, f"{sent:.1f} s of audio waited")
        unsent = AWAY_SECONDS + len(last) * FRAME_SECONDS - sent
        dropped = line.dropped_seconds + rig.counted.get("lost_seconds", 0)
        hold(dropped >= unsent, f"{unsent:.1f} s were never sent, {dropped:.1f} s are counted")

    @rule("stt.gives-up")
    async def test_a_vendor_that_stays_away_is_told(self, rig: SttRig) -> None:
        applies(rig.harness.steers, NO_VENDOR)
        rig.harness.leave(len(await rig.harness.speech(TEXT)))
        out, line = Transcript(), await rig.whole(TEXT)
        what = "listening while the vendor stays away"
        error = await rig.raises(SpeechError, what, lambda: rig.hear(line, out))
        equal("retryable", error.retryable, True)
        equal("finals", len(out.finals), 1)
        in_order(out)

    @rule("stt.unreadable")
    async def test_a_message_that_cannot_be_read_is_passed_over(self, rig: SttRig) -> None:
        applies(rig.harness.steers, NO_VENDOR)
        rig.harness.babble()
        rig.heard(await rig.hear(await rig.whole(TEXT)), TEXT)
        equal("connections", len(rig.harness.heard()), 1)
        hold(rig.counted.get("skipped", 0) > 0, "the log counts nothing that was `skipped`")

    @rule("stt.silent")
    async def test_nothing_is_given_away(self, rig: SttRig) -> None:
        if rig.harness.steers:
            rig.harness.cut(len(await rig.harness.speech(TEXT)) // 2)
        rig.heard(await rig.hear(await rig.whole(TEXT)), TEXT)
        for trouble in sorted(rig.harness.troubles):
            message = str(await rig.meet(trouble))
            rig.gives_nothing_away(f"{trouble}: the message", message, TEXT)
            rig.reads_well(str(trouble), message)
        for line in rig.logged:
            rig.gives_nothing_away("the log", line, TEXT)
