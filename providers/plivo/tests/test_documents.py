"""Do documents say what was meant, whatever the text, and never leave the call without an end?"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urldefrag, urlsplit
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.sdk import (
    Answer,
    Gather,
    HangUp,
    HttpReply,
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
)
from voicecall_conformance.borrowed import Urls
from voicecall_plivo.callbacks import Callbacks
from voicecall_plivo.documents import Style, document
from voicecall_plivo.double.documents import Verb, instructions, read_document

STYLE = Style(voice="WOMAN", language="en-US", caller_id="+14155550199")
URLS = Callbacks(urls=Urls(), call_id="c1", secret="s1")
TURN = TurnToken("turn-1")
STREAM = OpenStream(url="wss://calls.example/s?a=1&b=2", token=StreamToken("s"))
ATTACKS = (
    "</Say><Dial>+19005550000</Dial><Say>",
    "</Speak><Dial><Number>19005550000</Number></Dial><Speak>",
    "Q&A: 5 < 6 > 4, \"quoted\" 'text'",
    "<![CDATA[ ]]> &amp; &#x3C;Hangup/&#x3E; ]]>",
    "<!--<Hangup/>--><?xml version='1.0'?>",
    "Grüße 電話 📞 שלום \u202e\u200f",
    "a\x00b\x07c\x1bd\x85e\ufffef",
)


def verbs(*told: Instruction) -> tuple[Verb, ...]:
    return read_document(document(told, STYLE, URLS))


def hook_of(url: str) -> tuple[str, dict[str, str]]:
    """The hook and the query of one of our URLs, which carries Plivo's retry settings."""
    sent, fragment = urldefrag(url)
    assert set(fragment.split("&")) == {"rc=3", "rp=ct,rt,5xx"}
    assert sent.startswith(f"{Urls.base}/")
    query = {name: values[0] for name, values in parse_qs(urlsplit(sent).query).items()}
    assert (query.pop("callId"), query.pop("secret")) == ("c1", "s1")
    return urlsplit(sent).path.rpartition("/")[2], query


@pytest.mark.parametrize("text", ATTACKS)
def test_acceptance_18_an_attack_is_spoken_and_nothing_else(text: str) -> None:
    told = verbs(Say(text=text), Gather(turn=TURN, timeout_seconds=8))
    assert [verb.tag for verb in told] == ["GetInput", "Redirect"]
    assert [verb.tag for verb in told[0].children] == ["Speak"]
    dropped = "\x00\x07\x1b\x85\ufffe"
    assert told[0].children[0].text == "".join(each for each in text if each not in dropped)


@given(st.text())
def test_any_text_makes_a_document_that_plivo_reads(text: str) -> None:
    told = verbs(Say(text=text, turn=TURN), HangUp())
    assert {verb.tag for verb in told} <= {"Speak", "Hangup"}
    assert told[-1].tag == "Hangup"


@pytest.mark.parametrize("text", ["&" * 40_000, "📞" * 40_000, "word " * 8000, "x" * 3001])
def test_a_long_text_stays_within_plivos_limits(text: str) -> None:
    told = verbs(Say(text=text, turn=TURN))
    spoken = "".join(verb.text for verb in told if verb.tag == "Speak")
    assert spoken and text.replace(" ", "").startswith(spoken.replace(" ", ""))


def test_a_prompt_and_listening_are_one_element_and_silence_leads_back() -> None:
    told = verbs(Say(text="Hello?"), Gather(turn=TURN, timeout_seconds=10))
    listening, silence = told
    assert listening.attributes["inputType"] == "dtmf speech"
    assert listening.attributes["executionTimeout"] == "10"
    assert listening.attributes["digitEndTimeout"] == "auto"
    assert listening.attributes["speechEndTimeout"] == "auto"
    assert hook_of(listening.attributes["action"]) == ("heard", {"turn": TURN})
    assert hook_of(silence.text) == ("silence", {"turn": TURN})


def test_what_is_protected_is_said_before_listening_begins() -> None:
    greeting = Say(text="Good morning.", protected=True)
    said, listening, silence = verbs(greeting, Gather(turn=TURN, timeout_seconds=10))
    assert (said.tag, said.text) == ("Speak", "Good morning.")
    assert (listening.tag, listening.children) == ("GetInput", ())
    assert hook_of(silence.text) == ("silence", {"turn": TURN})


@pytest.mark.parametrize(("seconds", "told"), [(0.2, "5"), (8, "8"), (8.1, "9"), (600, "60")])
def test_listening_lasts_as_long_as_plivo_allows(seconds: float, told: str) -> None:
    (listening, _) = verbs(Gather(turn=TURN, timeout_seconds=seconds, digits=False))
    assert listening.attributes["executionTimeout"] == told
    assert listening.attributes["inputType"] == "speech"


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ((None, None), ("WOMAN", "en-US")),
        (("man", "de-DE"), ("MAN", "de-DE")),
        (("Polly.Vicki-Neural", "cmn-CN"), ("Polly.Vicki-Neural", "cmn-CN")),
        (("nova", "en"), ("WOMAN", "en-US")),
    ],
)
def test_a_voice_of_somebody_elses_is_plivos_own(
    asked: tuple[str | None, str | None], told: tuple[str, str]
) -> None:
    voice, language = asked
    spoken, _ = verbs(Say(text="Hello.", voice=voice, language=language))
    assert (spoken.attributes["voice"], spoken.attributes["language"]) == told


def test_speech_alone_leads_back_when_it_was_said() -> None:
    spoken, back = verbs(Say(text="Hello.", turn=TURN, voice="Polly.Joanna", language="en-GB"))
    assert spoken.attributes == {"voice": "Polly.Joanna", "language": "en-GB"}
    assert hook_of(back.text) == ("spoken", {"turn": TURN})


@pytest.mark.parametrize(
    "told", [(), (Answer(),), (Pause(seconds=1.5),), (Play(url="https://h/a.mp3"),)]
)
def test_a_document_that_runs_out_asks_for_the_next(told: tuple[Instruction, ...]) -> None:
    *_, back = verbs(*told)
    assert back.tag == "Redirect"
    assert hook_of(back.text) == ("next", {})


def test_without_instructions_the_line_is_kept_open() -> None:
    waiting, _ = verbs()
    assert (waiting.tag, waiting.attributes) == ("Wait", {"length": "20"})


@pytest.mark.parametrize("reason", list(RejectReason))
def test_a_refusal_is_the_first_and_only_element(reason: RejectReason) -> None:
    (refusal,) = verbs(Reject(reason=reason))
    assert (refusal.tag, refusal.attributes) == ("Hangup", {"reason": reason.value})


def test_a_stream_is_two_way_and_holds_the_call() -> None:
    reply = document([STREAM], STYLE, URLS)
    stream, back = read_document(reply)
    callback = stream.attributes["statusCallbackUrl"]
    assert stream.text == STREAM.url and b"a=1&amp;b=2" in reply.body
    assert hook_of(callback) == ("stream", {})
    assert {name: value for name, value in stream.attributes.items() if value != callback} == {
        "bidirectional": "true",
        "keepCallAlive": "true",
        "contentType": "audio/x-mulaw;rate=8000",
        "audioTrack": "inbound",
        "statusCallbackMethod": "POST",
    }
    assert hook_of(back.text) == ("next", {})


def test_keys_are_sent_before_what_follows() -> None:
    keys, *_ = verbs(SendDigits(digits="1w2#"), Say(text="Done."))
    assert (keys.tag, keys.text, keys.attributes) == ("DTMF", "1w2#", {"async": "false"})


def test_a_transfer_dials_digits_and_ends_with_the_other_call() -> None:
    (dial,) = verbs(Transfer(to="+14155550123"))
    assert dial.attributes == {"callerId": "14155550199"}
    assert [(child.tag, child.text) for child in dial.children] == [("Number", "14155550123")]


def test_every_instruction_arrives_in_its_order() -> None:
    told = [
        Pause(seconds=2),
        Say(text="One.", turn=TURN),
        Gather(turn=TURN, timeout_seconds=8),
        SendDigits(digits="1"),
        Play(url="https://calls.example/a.mp3"),
        HangUp(),
    ]
    read = instructions(verbs(*told))
    assert [type(each) for each in read] == [type(each) for each in told]


def test_the_document_is_declared_as_xml_in_utf_8() -> None:
    reply = document([Say(text="é")], STYLE, URLS)
    assert reply.headers == (("content-type", "application/xml"),)
    assert fromstring(reply.body).find("Speak") is not None
    assert reply.body.startswith(b"<?xml version='1.0' encoding='utf-8'?>")


@pytest.mark.parametrize(
    "body",
    [
        b"<Response><Say>x</Say></Response>",
        b"<Response><Speak volume='1'>x</Speak></Response>",
        b"<Response><Speak></Speak></Response>",
        b"<Response>loose<Hangup/></Response>",
        b"<Response><GetInput executionTimeout='4' action='https://h/'/></Response>",
        b"<Response><Stream bidirectional='true' audioTrack='both'>wss://h/</Stream></Response>",
        b"<Response>",
        b"<Hangup/>",
    ],
)
def test_the_double_refuses_what_plivo_does_not_document(body: bytes) -> None:
    reply = HttpReply(headers=(("content-type", "application/xml"),), body=body)
    with pytest.raises(ValueError, match=r"\w"):
        read_document(reply)


def test_an_inbound_call_that_gets_no_instructions_is_kept(
    provider: Any, callback: Any, urls: Urls
) -> None:
    fields = {"CallUUID": "c1", "From": "14155550100", "To": "14155550199", "Event": "StartApp"}
    webhook = provider.verify(callback(urls.webhook(), {**fields, "CallStatus": "ringing"}))
    told = read_document(provider.reply(webhook, ()))
    assert [verb.tag for verb in told] == ["Wait", "Redirect"]
    assert told[1].text.partition("#")[0] == urls.webhook("next")


def test_only_the_fall_back_url_is_answered_with_an_apology(
    provider: Any, callback: Any, urls: Urls
) -> None:
    fields = {"CallUUID": "c1", "From": "1", "To": "2", "Event": "StartApp"}
    asked = provider.verify(callback(urls.webhook("answer"), fields))
    assert provider.apology(asked) is None
    last = provider.verify(callback(urls.webhook("fallback"), fields))
    reply = provider.apology(last)
    assert [verb.tag for verb in read_document(reply)] == ["Speak", "Hangup"]
