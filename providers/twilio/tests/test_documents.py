"""Do instructions become exactly the verbs that were meant?"""

from __future__ import annotations

import logging
from collections.abc import Callable
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    Answer,
    Gather,
    HangUp,
    Instruction,
    OpenStream,
    Pause,
    Play,
    Reject,
    RejectReason,
    Say,
    SendDigits,
    StreamToken,
    Transfer,
    TurnToken,
    VerifiedWebhook,
)
from voicecall_conformance.borrowed import Urls
from voicecall_conformance.rig import Rig
from voicecall_twilio.documents import render, speakable
from voicecall_twilio.links import RETRIES, Links
from voicecall_twilio.network.twiml import Verb, read_document
from voicecall_twilio.voices import Voices

TO = Links(urls=Urls(), call_id="a-call", secret="a-secret", step="a-step")
TURN = TurnToken("turn-7")
STREAM = OpenStream(url=Urls().stream("tok"), token=StreamToken("tok"))


def document(*instructions: Instruction, language: str | None = None) -> tuple[Verb, ...]:
    voices = Voices(None, logging.getLogger("voicecall.test"))
    return read_document(render(instructions, TO, voice=voices.choose, language=language))


def names(*instructions: Instruction) -> list[str]:
    return [verb.name for verb in document(*instructions)]


def goes_on(verb: Verb) -> tuple[str, dict[str, str]]:
    """Where a `Redirect` leads: the hook and the query, which names the call."""
    return led(verb.text)


def led(url: str) -> tuple[str, dict[str, str]]:
    parts = urlsplit(url)
    assert f"#{parts.fragment}" == RETRIES
    query = dict(parse_qsl(parts.query))
    assert (query.pop("callId"), query.pop("secret")) == ("a-call", "a-secret")
    assert query.pop("step") == "a-step"
    return parts.path.removeprefix("/line/webhook/"), query


def test_saying_and_listening_is_one_gather_that_speaks() -> None:
    gather, redirect = document(Say(text="Yes?", turn=TURN), Gather(turn=TURN, timeout_seconds=7.2))
    assert {name: gather.get(name) for name in gather.attributes if name != "action"} == {
        "input": "dtmf speech",
        "method": "POST",
        "timeout": "8",
        "speechTimeout": "auto",
    }
    assert led(gather.get("action")) == ("gather", {"turn": TURN})
    assert [(verb.name, verb.text) for verb in gather.children] == [("Say", "Yes?")]
    assert goes_on(redirect) == ("nothing", {"turn": TURN})


def test_what_is_protected_is_said_before_listening_begins() -> None:
    greeting = Say(text="Good morning.", turn=TURN, protected=True)
    say, gather, redirect = document(greeting, Gather(turn=TURN, timeout_seconds=7))
    assert (say.name, say.text) == ("Say", "Good morning.")
    assert (gather.name, gather.children) == ("Gather", ())
    assert goes_on(redirect) == ("nothing", {"turn": TURN})


def test_listening_without_keys_takes_speech_only() -> None:
    gather = document(Gather(turn=TURN, timeout_seconds=5, digits=False, language="de-DE"))[0]
    assert (gather.get("input"), gather.get("language")) == ("speech", "de-DE")


def test_saying_ends_in_word_that_it_was_said() -> None:
    say, redirect = document(Say(text="Hello.", turn=TURN))
    assert (say.name, say.text, say.get("voice")) == ("Say", "Hello.", "Polly.Joanna-Neural")
    assert goes_on(redirect) == ("spoken", {"turn": TURN})


def test_a_farewell_is_said_before_the_end() -> None:
    assert names(Say(text="Goodbye."), HangUp()) == ["Say", "Hangup"]


def test_nothing_to_do_keeps_the_call_up_and_asks_again() -> None:
    for instructions in ((), (Answer(),)):
        pause, redirect = document(*instructions)
        assert (pause.name, pause.get("length")) == ("Pause", "15")
        assert goes_on(redirect) == ("next", {})


def test_a_stream_is_connected_and_what_comes_after_it_asks_us() -> None:
    connect, redirect = document(STREAM)
    stream = connect.children[0]
    assert (stream.get("url"), stream.children) == (STREAM.url, ())
    assert led(stream.get("statusCallback")) == ("stream", {})
    assert goes_on(redirect) == ("next", {})


def test_keys_are_played_and_a_long_pause_is_two_short_ones() -> None:
    play, connect, _ = document(SendDigits(digits="1w2W#"), STREAM)
    assert (play.get("digits"), connect.name) == ("1w2ww#", "Connect")


def test_a_transfer_leaves_the_rest_to_its_action() -> None:
    (dial,) = document(Transfer(to="+15550003333"), Say(text="never"))
    assert (dial.name, dial.text) == ("Dial", "+15550003333")
    assert led(dial.get("action")) == ("dialled", {})


def test_files_and_pauses() -> None:
    play, pause, _ = document(Play(url="https://h/x.wav?a=1&b=2"), Pause(seconds=2.5))
    assert (play.text, pause.get("length")) == ("https://h/x.wav?a=1&b=2", "3")


@pytest.mark.parametrize("reason", RejectReason)
def test_a_caller_is_rejected_with_the_first_verb(reason: RejectReason) -> None:
    (reject,) = document(Reject(reason=reason))
    assert (reject.name, reject.get("reason")) == ("Reject", reason.value)


def test_a_call_that_was_answered_is_not_rejected_any_more() -> None:
    assert names(Say(text="No."), Reject()) == ["Say", "Hangup"]


def test_what_follows_the_end_is_dropped() -> None:
    assert names(HangUp(), Say(text="never")) == ["Hangup"]


def test_listening_before_an_end_ends() -> None:
    assert names(Gather(turn=TURN, timeout_seconds=5), HangUp()) == ["Gather", "Hangup"]


def test_text_without_anything_to_speak_is_still_said() -> None:
    (redirect,) = document(Say(text="\x00 \n", turn=TURN))
    assert goes_on(redirect) == ("spoken", {"turn": TURN})


def test_the_language_of_the_configuration_is_spoken_and_heard() -> None:
    gather = document(Say(text="Ja?"), Gather(turn=TURN, timeout_seconds=5), language="de-DE")[0]
    assert gather.get("language") == "de-DE"
    assert dict(gather.children[0].attributes) == {"language": "de-DE"}


hostile = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=400),
    st.lists(
        st.sampled_from(
            [
                "</Say><Dial>+19005550000</Dial><Say>",
                "]]>",
                "<![CDATA[",
                "&lt;",
                "&#x3C;Hangup/&#x3E;",
                "<!--",
                "<?xml?>",
                "\x00",
                "\x1b",
                "\ufffe",
                "שלום",
                "\u202e",
                "📞",
                "'\"",
            ]
        ),
        max_size=12,
    ).map("".join),
)


@given(text=hostile, listen=st.booleans())
def test_acceptance_18_spoken_text_never_becomes_a_verb(text: str, listen: bool) -> None:
    more = (Gather(turn=TURN, timeout_seconds=5),) if listen else ()
    voices = Voices(None, logging.getLogger("voicecall.test"))
    root = ElementTree.fromstring(
        render((Say(text=text, turn=TURN), *more), TO, voice=voices.choose, language=None)
    )
    parent = root[0] if listen else root
    assert [each.tag for each in root] == ["Gather", "Redirect"] if listen else root[-1:]
    spoken = [each for each in parent if each.tag == "Say"]
    assert {each.tag for each in parent} <= {"Say", "Redirect"}
    assert all(len(each) == 0 for each in spoken)
    assert "".join(each.text or "" for each in spoken) == "".join(speakable(text))


@given(st.text(max_size=9000))
def test_no_word_of_long_text_is_lost(text: str) -> None:
    pieces = speakable(text)
    assert all(piece.strip() and len(piece) <= 4096 for piece in pieces)
    kept = "".join("".join(pieces).split())
    ElementTree.fromstring(f"<a>{kept.replace('&', '').replace('<', '').replace('>', '')}</a>")
    assert set(kept) <= set(text)


def test_long_text_breaks_between_sentences() -> None:
    sentence = "This is one sentence of a rather long speech. "
    pieces = speakable(sentence * 100)
    assert len(pieces) == 2
    assert pieces[0].endswith("speech. ")
    assert "".join(pieces) == sentence * 100


@pytest.mark.anyio
async def test_a_repeated_webhook_gets_the_same_document(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "Direction": "outbound-api"}
    query = {"callId": "c", "secret": "s"}
    first, again = (
        rig.provider.reply(webhook("voice", fields, query), (Pause(seconds=1),)) for _ in range(2)
    )
    other = rig.provider.reply(webhook("next", fields, query), (Pause(seconds=1),))
    assert first == again
    assert first != other
    assert b"callId=c&amp;secret=s" in first.body


@pytest.mark.anyio
async def test_digits_of_a_detected_call_are_played_first(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "Direction": "outbound-api"}
    query = {"callId": "c", "secret": "s", "digits": "1w2"}
    failed = {**fields, "ErrorUrl": rig.urls.webhook("voice", **query)}
    for asked in (webhook("voice", fields, query), webhook("fallback", failed, {"callId": "c"})):
        told = rig.harness.read(rig.provider.reply(asked, (HangUp(),)))
        assert list(told) == [SendDigits(digits="1w2"), HangUp()]


@pytest.mark.anyio
async def test_a_call_ends_after_its_transfer(
    rig: Rig, webhook: Callable[..., VerifiedWebhook]
) -> None:
    fields = {"CallSid": "CA1", "CallStatus": "in-progress", "DialCallStatus": "busy"}
    reply = rig.provider.reply(webhook("dialled", fields), ())
    assert list(rig.harness.read(reply)) == [HangUp()]


@pytest.mark.parametrize(
    ("name", "language", "chosen"),
    [
        (None, None, "Polly.Joanna-Neural"),
        (None, "de-DE", None),
        ("Polly.Vicki-Neural", "de-DE", "Polly.Vicki-Neural"),
        ("Google.en-US-Chirp3-HD-Aoede", None, "Google.en-US-Chirp3-HD-Aoede"),
        ("alice", None, "alice"),
        ("alloy", "en-GB", "Polly.Joanna-Neural"),
        ("Onyx", None, "Polly.Stephen-Neural"),
        ("alloy", "de-DE", None),
        ("21m00Tcm4TlvDq8ikWAM", None, "Polly.Joanna-Neural"),
    ],
)
def test_a_voice_is_found(name: str | None, language: str | None, chosen: str | None) -> None:
    assert Voices(None, logging.getLogger("voicecall.test")).choose(name, language) == chosen


def test_an_unknown_voice_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    voices = Voices("Polly.Amy-Neural", logging.getLogger("voicecall.test"))
    assert [voices.choose(name, None) for name in ("x", "x", "y")] == ["Polly.Amy-Neural"] * 3
    assert [record.__dict__["voice"] for record in caplog.records] == ["x", "y"]
