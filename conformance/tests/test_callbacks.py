"""Are callbacks found however they are wrapped, and each for itself?"""

from html import escape
from urllib.parse import quote, urlencode

import pytest

from voicecall_conformance.suites.callbacks import callbacks_in

BASE = "https://voice.example.test/line/webhook"
FULL = f"{BASE}/next?call=C1&secret=S1"
XML = f"<Response><Redirect>{escape(FULL)}</Redirect></Response>"


@pytest.mark.parametrize(
    "body",
    [
        XML,
        urlencode({"Twiml": XML, "Method": "POST"}),
        f'{{"url": "{FULL}", "method": "POST"}}',
        f'{{"url": "{FULL}"}}'.replace("/", "\\/").replace("&", "\\u0026"),
        f"address={quote(FULL, safe='')}&more=1",
    ],
    ids=["xml", "xml-in-a-form", "json", "escaped-json", "form"],
)
def test_a_wrapped_callback_is_found_with_its_query(body: str) -> None:
    (found,) = callbacks_in(body.encode(), BASE)
    assert found.startswith(FULL)


def test_a_bare_callback_is_not_excused_by_the_next_one() -> None:
    bare, full = callbacks_in(urlencode({"Url": BASE, "StatusUrl": FULL}).encode(), BASE)
    assert "S1" not in bare
    assert "S1" in full


def test_a_media_socket_is_no_callback() -> None:
    assert callbacks_in(b"<Stream>wss://voice.example.test/line/stream/T1</Stream>", BASE) == []
