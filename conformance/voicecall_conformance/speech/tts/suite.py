"""What does the author of a TTS backend subclass? `TtsConformance`, every rule in one class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import anyio

from voicecall.sdk import Encoding, SpeechError, Utterance
from voicecall_conformance.rules import NotApplicable, applies, equal, hold, ruling
from voicecall_conformance.sealed import Sealed
from voicecall_conformance.speech.harness import Trouble
from voicecall_conformance.speech.package import package_suite
from voicecall_conformance.speech.rig import AT_ONCE_SECONDS, Underway, happens, settle
from voicecall_conformance.speech.tts.rig import TEXT, Listener, TtsRig, tts_rig
from voicecall_conformance.speech.tts.rulebook import TTS

rule = ruling(TTS, tts_rig)

SHORTEST, LONGEST = 0.015, 0.3
"""Seconds that a letter may sound. A double may be as quick as a frame a letter."""
LONG_TEXT = " ".join([TEXT] * 3)
OTHERS = ("One moment, please, while I look it up for you.", "That is at half past nine.")
LONGER_TEXT = " ".join(f"Sentence {number} is read out as well." for number in range(1, 131))
"""Some 4300 characters: longer than vendors take at once."""
ODD_TEXTS: Mapping[str, Sequence[str]] = {
    'Say <break time="9s"/> & </speak> "now" \\n {x} $y %s': ("Say", "now"),
    "👍🏽 שלום עולם, مرحبا, こんにちは。 Grüße!": ("שלום", "مرحبا", "こんにちは", "Grüße"),
    "one\x00two\x07three\u2028four\ufeff": ("one", "two", "three", "four"),
    "half a letter \ud83d here": ("half", "letter", "here"),
    "a" * 700: ("a" * 50,),
}
"""Odd texts, and what is plain in each."""
REPLACEMENTS = " ?\ufffd"
BLANKS = ("", " ", "\n\t \r\n")
TRANSIENT = (Trouble.RATE, Trouble.BROKEN, Trouble.LOST)
NO_VENDOR = "there is no vendor that could do so"
UNSTEERED = "its vendor cannot be steered so"


class TtsConformance(package_suite("tts", rule), Sealed):  # type: ignore[misc]
    """Every rule that a TTS backend keeps, as tests::

        class TestAcme(TtsConformance):
            harness_type = AcmeHarness

    A rule that cannot be kept is a `Deviation` of the harness; a test is never overridden.
    """

    @rule("tts.speaks")
    async def test_a_text_becomes_audio_of_a_plausible_length(self, rig: TtsRig) -> None:
        once = await rig.say(TEXT)
        a_letter = once.seconds / len(TEXT)
        hold(SHORTEST <= a_letter <= LONGEST, f"a letter lasts {a_letter * 1000:.1f} ms")
        asked = rig.harness.asked()
        if asked is not None:
            equal("what the vendor was asked for", " ".join(asked).split(), TEXT.split())
        hold((await rig.say(LONG_TEXT)).seconds > 2 * once.seconds, "more text is no longer audio")

    @rule("tts.format")
    async def test_the_format_stays_the_same(self, rig: TtsRig) -> None:
        pieces = [*(await rig.say(TEXT)).parts, *(await rig.say(OTHERS[0])).parts]
        formats = {piece.format for piece in pieces}
        equal("formats", len(formats), 1)
        rate = formats.pop().rate
        hold(8000 <= rate <= 48000, f"a rate of {rate} Hz")

    @rule("tts.samples")
    async def test_samples_are_whole(self, rig: TtsRig) -> None:
        if rig.harness.steers:
            rig.harness.ragged()
        listener = await rig.say(TEXT)
        for number, piece in enumerate(listener.parts):
            hold(len(piece.data) > 0, f"piece {number} is empty")
            width = 2 if piece.format.encoding is Encoding.PCM16 else 1
            hold(len(piece.data) % width == 0, f"piece {number} has {len(piece.data)} bytes")
        rig.same("ragged audio", listener, await rig.say(TEXT))

    @rule("tts.whole")
    async def test_every_sample_arrives(self, rig: TtsRig) -> None:
        applies(rig.harness.made() is not None, NO_VENDOR)
        if rig.harness.steers:
            rig.harness.ragged()
        heard = [(await rig.say(text)).data for text in (TEXT, OTHERS[0])]
        rig.alike("what was heard of it", b"".join(heard), rig.harness.made() or b"")

    @rule("tts.long")
    async def test_a_long_text_is_spoken_to_its_end(self, rig: TtsRig) -> None:
        a_letter = (await rig.say(TEXT)).seconds / len(TEXT)
        before = len(rig.harness.asked() or ())
        long = await rig.say(LONGER_TEXT)
        asked = rig.harness.asked()
        if asked is not None:
            told = " ".join(asked[before:]).split()
            equal("what the vendor was asked for", told, LONGER_TEXT.split())
        share = long.seconds / (a_letter * len(LONGER_TEXT))
        hold(share > 0.5, f"a letter of it sounds {share:.2f} times as long as of a short text")

    @rule("tts.text")
    async def test_odd_text_is_spoken_or_left_out(self, rig: TtsRig) -> None:
        for text, plain in ODD_TEXTS.items():
            before = len(rig.harness.asked() or ())
            await rig.say(text)
            asked = rig.harness.asked()
            if asked is not None:
                spoken = "".join(asked[before:])
                missing = [word for word in plain if word not in spoken]
                equal(f"plain words that are missing from {text[:40]!r}", missing, [])
                odd = {*spoken} - {*text, *REPLACEMENTS}
                equal(f"letters that are not in {text[:40]!r}", sorted(odd), [])

    @rule("tts.streams")
    async def test_the_first_audio_leaves_before_the_last_is_made(self, rig: TtsRig) -> None:
        whole = await rig.say(LONG_TEXT)
        first = whole.parts[0].seconds
        hold(first <= whole.seconds / 3, f"{first:.2f} of {whole.seconds:.2f} s came in one piece")
        if rig.harness.steers:
            await self._begins_while_the_vendor_waits(rig, whole)

    async def _begins_while_the_vendor_waits(self, rig: TtsRig, whole: Listener) -> None:
        listener = Listener()
        rig.harness.stall()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rig.say, LONG_TEXT, listener)
            await rig.sees("a request", rig.harness.stalled)
            try:
                await happens(listener.begun, "audio while the vendor has not made the rest")
            finally:
                rig.harness.go_on()
        rig.same("audio that was waited for", listener, whole)

    @rule("tts.patient")
    async def test_a_sink_that_takes_its_time_gets_everything_in_turn(self, rig: TtsRig) -> None:
        whole = await rig.say(TEXT)
        listener = Listener(room=1)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rig.say, TEXT, listener)
            await happens(listener.full, "the first audio")
            await settle()
            listener.open_up()
        hold(not listener.crowded, "a piece was written while another one still was")
        rig.same("audio for a slow sink", listener, whole)

    @rule("tts.cancel")
    async def test_a_cancelled_utterance_stops_at_once(self, rig: TtsRig) -> None:
        whole = await rig.say(TEXT)
        await self._cancelled(rig, stalled=False)
        rig.same("the utterance after a cancelled one", await rig.say(TEXT), whole)
        if rig.harness.steers:
            await self._cancelled(rig, stalled=True)
            await rig.sees("that nobody listens any more", rig.harness.dropped)
            rig.same("the utterance after a cancelled one", await rig.say(TEXT), whole)

    async def _cancelled(self, rig: TtsRig, *, stalled: bool) -> None:
        listener, underway = Listener(room=None if stalled else 1), Underway()
        if stalled:
            rig.harness.stall()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(underway.run, rig.say, LONG_TEXT, listener)
            if stalled:
                await rig.sees("a request", rig.harness.stalled)
            else:
                await happens(listener.full, "the first audio")
            at_once = await underway.ends()
            listener.closed = True
            listener.open_up()
            if stalled:
                rig.harness.go_on()
        hold(at_once, "it went on after it was cancelled")
        await settle()
        equal("pieces after it was cancelled", listener.late, 0)

    @rule("tts.unmixed")
    async def test_utterances_at_once_do_not_mix(self, rig: TtsRig) -> None:
        texts = (TEXT, *OTHERS)
        alone = [await rig.say(text) for text in texts]
        together = [Listener() for _ in texts]
        async with anyio.create_task_group() as tasks:
            for text, listener in zip(texts, together, strict=True):
                tasks.start_soon(rig.say, text, listener)
        for text, got, wanted in zip(texts, together, alone, strict=True):
            rig.same(f"{text!r} beside others", got, wanted)

    @rule("tts.blank")
    async def test_nothing_to_say_is_silence(self, rig: TtsRig) -> None:
        for text in BLANKS:
            before = rig.harness.asked()
            told = None if before is None else list(before)
            listener = await rig.say(text)
            equal(f"pieces for {text!r}", len(listener.parts), 0)
            equal(f"requests for {text!r}", rig.harness.asked(), told)

    @rule("tts.credentials")
    async def test_bad_credentials_are_told_and_final(self, rig: TtsRig) -> None:
        applies(Trouble.CREDENTIALS in rig.harness.troubles, "it needs no account")
        error = await rig.meet(Trouble.CREDENTIALS)
        equal("retryable", error.retryable, False)
        hold(rig.harness.key in str(error), f"{rig.harness.key!r} is not named in: {error}")

    @rule("tts.retryable")
    async def test_what_may_pass_may_be_tried_again(self, rig: TtsRig) -> None:
        met = [trouble for trouble in TRANSIENT if trouble in rig.harness.troubles]
        applies(bool(met), NO_VENDOR)
        for trouble in met:
            equal(f"{trouble}: retryable", (await rig.meet(trouble)).retryable, True)
        hold((await rig.say(TEXT)).seconds > 0, "no audio once the vendor is well again")

    @rule("tts.refused")
    async def test_a_refusal_is_final(self, rig: TtsRig) -> None:
        applies(Trouble.REFUSED in rig.harness.troubles, NO_VENDOR)
        equal("retryable", (await rig.meet(Trouble.REFUSED)).retryable, False)

    @rule("tts.cut")
    async def test_audio_that_is_cut_is_an_error(self, rig: TtsRig) -> None:
        applies(rig.harness.steers, NO_VENDOR)
        whole = await rig.say(TEXT)
        asked = len(rig.harness.asked() or ())
        rig.harness.cut()
        listener = Listener()
        error = await rig.failing(listener, "speaking while the connection is lost")
        hold(bool(listener.parts), "what came before the connection was lost is not heard")
        equal("retryable", error.retryable, True)
        hold(len(rig.harness.asked() or ()) <= asked + 1, "the vendor was asked a second time")
        if rig.harness.exact:
            hold(whole.data.startswith(listener.data), "what was heard is not its beginning")

    @rule("tts.waits")
    async def test_a_vendor_that_falls_silent_is_not_waited_for(self, rig: TtsRig) -> None:
        spec = rig.harness.impatient()
        if spec is None:
            raise NotApplicable("it waits for nobody")
        async with spec.open(rig.config, rig.context) as hasty:
            for pause in (rig.harness.ignore, rig.harness.stall):
                listener = Listener()
                pause()
                saying = partial(hasty.synthesize, Utterance(text=TEXT), listener)
                with anyio.move_on_after(AT_ONCE_SECONDS) as scope:
                    error = await rig.raises(SpeechError, "a vendor that is silent", saying)
                    equal("retryable", error.retryable, True)
                rig.harness.go_on()
                hold(not scope.cancelled_caught, "it waits for a vendor that is silent")
                heard = bool(listener.parts)
                equal("audio before the silence", heard, pause == rig.harness.stall)

    @rule("tts.silent")
    async def test_nothing_is_given_away(self, rig: TtsRig) -> None:
        await rig.say(TEXT)
        for trouble in sorted(rig.harness.troubles):
            message = str(await rig.meet(trouble))
            rig.gives_nothing_away(f"{trouble}: the message", message, TEXT)
            rig.reads_well(str(trouble), message)
        for line in rig.logged:
            rig.gives_nothing_away("the log", line, TEXT)
