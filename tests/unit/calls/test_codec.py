"""Does every stored event survive writing and reading, in this version and the next?"""

import dataclasses
import json
from collections.abc import Mapping
from contextlib import suppress
from types import NoneType, UnionType
from typing import Any, get_args, get_type_hints

import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecall.calls.codec import decode, encode, kind_of
from voicecall.errors import StoreError
from voicecall.model.call import CallMode, CallState, Direction, Speaker, TurnTiming
from voicecall.model.call_events import (
    STORED_EVENTS,
    CallCreated,
    CallEvent,
    CallFinished,
    CarrierIdLearned,
    LineSaid,
    PartialHeard,
)
from voicecall.model.ids import CallId

_PLAIN: dict[object, st.SearchStrategy[Any]] = {
    str: st.text(),
    int: st.integers(0, 2**40),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    NoneType: st.none(),
    Mapping[str, str]: st.dictionaries(st.text(), st.text()),
}


def values_of(hint: Any) -> st.SearchStrategy[Any]:
    hint = getattr(hint, "__supertype__", hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if isinstance(hint, UnionType):
        return st.one_of([values_of(part) for part in get_args(hint)])
    if dataclasses.is_dataclass(hint):
        return built(hint)
    return st.sampled_from(list(hint))


def built(kind: Any) -> st.SearchStrategy[Any]:
    return st.builds(kind, **{n: values_of(hint) for n, hint in get_type_hints(kind).items()})


EVENTS: st.SearchStrategy[CallEvent] = st.one_of([built(kind) for kind in STORED_EVENTS])


def line(text: str) -> LineSaid:
    return LineSaid(call_id=CallId("a"), number=2, at=1.0, speaker=Speaker.USER, text=text)


@given(event=EVENTS)
def test_every_event_is_read_as_it_was_written(event: CallEvent) -> None:
    again = decode(kind_of(event), encode(event))
    assert again == event
    assert type(again) is type(event)


@pytest.mark.parametrize("kind", STORED_EVENTS)
def test_every_stored_kind_is_known_by_its_class_name(kind: type[CallEvent]) -> None:
    assert decode(kind.__name__, encode(_example(kind))) == _example(kind)


def _example(kind: type[CallEvent]) -> CallEvent:
    required = {
        "provider": "mock",
        "direction": Direction.OUTBOUND,
        "mode": CallMode.NOTIFY,
        "from_number": None,
        "to_number": "+15550001111",
        "carrier_call_id": "v3:a/b",
        "state": CallState.BUSY,
        "speaker": Speaker.BOT,
        "text": "hello",
        "timing": TurnTiming(number=1, transcript_at=3.5),
        "digits": "1#",
        "result": "human",
        "location": "/tmp/a.wav",
        "to": "+15550009999",
    }
    names = {field.name for field in dataclasses.fields(kind)}
    known = {name: value for name, value in required.items() if name in names}
    return kind(call_id=CallId("a"), number=1, at=2.0, **known)


def test_fields_of_a_later_version_are_ignored() -> None:
    body = json.loads(encode(line("hello")))
    body["mood"] = {"of": "a later version"}
    assert decode("LineSaid", json.dumps(body).encode()) == line("hello")


def test_fields_that_an_earlier_version_did_not_write_get_their_default() -> None:
    body = b'{"call_id":"a","number":1,"at":2,"state":"completed"}'
    expected = CallFinished(call_id=CallId("a"), number=1, at=2.0, state=CallState.COMPLETED)
    assert decode("CallFinished", body) == expected


def test_a_partial_transcript_cannot_be_stored() -> None:
    event = PartialHeard(call_id=CallId("a"), number=0, at=1.0, text="hel")
    with pytest.raises(StoreError, match="PartialHeard is never stored"):
        encode(event)


def test_a_kind_of_another_version_names_itself() -> None:
    with pytest.raises(StoreError, match="'CallTeleported'"):
        decode("CallTeleported", b"{}")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"{}", b"null", b"\xff\xfe", b'{"call_id":"a","number":"x","at":1}']
)
def test_a_damaged_body_is_a_store_error(body: bytes) -> None:
    with pytest.raises(StoreError, match="a stored CallFinished cannot be read"):
        decode("CallFinished", body)


@given(body=st.binary(max_size=200), kind=st.sampled_from(STORED_EVENTS))
def test_no_bytes_raise_anything_but_store_errors(body: bytes, kind: type[CallEvent]) -> None:
    with suppress(StoreError):
        assert isinstance(decode(kind.__name__, body), kind)


def test_text_that_is_not_unicode_is_refused_and_not_quoted() -> None:
    with pytest.raises(StoreError, match="LineSaid number 2 of call 'a'") as caught:
        encode(line("my card is 4711 \ud800"))
    assert "4711" not in str(caught.value)
    assert caught.value.__cause__ is None


@pytest.mark.parametrize("at", [float("nan"), float("inf")])
def test_a_time_that_could_not_be_read_again_is_not_written(at: float) -> None:
    with pytest.raises(StoreError, match="times finite"):
        encode(dataclasses.replace(line("hello"), at=at))


def test_a_field_of_a_wrong_type_is_not_written() -> None:
    event = CarrierIdLearned(call_id=CallId("a"), number=2, at=1.0, carrier_call_id=7)  # type: ignore[arg-type]
    with pytest.raises(StoreError, match="CarrierIdLearned"):
        encode(event)


def test_the_secret_of_a_call_is_kept() -> None:
    event = CallCreated(
        call_id=CallId("a"),
        number=1,
        at=1.0,
        provider="mock",
        direction=Direction.OUTBOUND,
        mode=CallMode.NOTIFY,
        from_number=None,
        to_number=None,
        secret="s3cret",
        metadata={"agent": "main"},
    )
    assert decode("CallCreated", encode(event)) == event
