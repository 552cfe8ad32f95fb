"""Old keys become current ones in the text of a file, and nothing else in it changes."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import json5
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from voicecall.config.reader import FoundBy, read_document
from voicecall.config.repair import Repaired, repaired, write_with_backup

OLD = """\
// Luigi's line
{
  // the network
  provider: "log", // was twilio
  /* our account */
  twilio: {
    accountSid: "AC1", // the test account
    // the number of the shop
    from: "+15550001111", // printed on the menu
  },
  streaming: {
    enabled: true,
    sttProvider: "openai-realtime", // hears
    openaiApiKey: "${KEY}", // never commit it
    silenceDurationMs: 700,
    // keep this
  },
  tts: { openai: { voice: "alloy" /* soft */ } },
}
"""

NEW = """\
// Luigi's line
{
  // the number of the shop
  // printed on the menu
  fromNumber: "+15550001111",
  // the network
  provider: "mock", // was twilio
  /* our account */
  twilio: {
    accountSid: "AC1", // the test account
  },
  streaming: {
    // never commit it
    providers: { openai: { silenceDurationMs: 700, apiKey: "${KEY}" } },
    enabled: true,
    provider: "openai", // hears
    // keep this
  },
  tts: { providers: { openai: { voice: "alloy" /* soft */ } } },
}
"""


def repair(folder: Path, text: str) -> Repaired:
    path = folder / "voicecall.json5"
    path.write_bytes(text.encode())
    return repaired(read_document(path, FoundBy.OPTION))


def test_every_comment_goes_where_its_value_goes(tmp_path: Path) -> None:
    found = repair(tmp_path, OLD)
    assert found.text == NEW
    assert found.changes == (
        "provider is now 'mock'",
        "twilio.from is now fromNumber",
        "streaming.sttProvider is now streaming.provider",
        "streaming.openaiApiKey is now streaming.providers.openai.apiKey",
        "streaming.silenceDurationMs is now streaming.providers.openai.silenceDurationMs",
        "tts.openai is now tts.providers.openai",
    )


def test_a_current_file_stays_as_it_is(tmp_path: Path) -> None:
    assert repair(tmp_path, NEW) == Repaired(text=NEW, changes=())


def test_the_file_of_a_gateway_keeps_its_other_sections_to_the_letter(tmp_path: Path) -> None:
    head = '{\n  "models": { "default": "a/b" },   // mine\n  "twilio": {"from": "not ours"},\n'
    entry = '"entries": { "voice-call": { "enabled": true, "config": %s } }'
    tail = '\n  "channels": {\n\t"telegram": [1,2 , 3]}\n}\n'
    ours = '{\n    "provider": "mock",\n    "twilio": { "from": "+15550001111" }\n  }'
    found = repair(tmp_path, head + '  "plugins": { ' + entry % ours + " }," + tail)
    assert found.text.startswith(head)
    assert found.text.endswith(tail)
    section = json5.loads(found.text)["plugins"]["entries"]["voice-call"]["config"]
    assert section == {"provider": "mock", "fromNumber": "+15550001111"}


def test_strict_json_stays_strict_json(tmp_path: Path) -> None:
    text = '{"provider": "log", "streaming": {"enabled": true, "sttModel": "m"}}'
    found = json.loads(repair(tmp_path, text).text)
    providers = {"openai": {"model": "m"}}
    assert found == {"provider": "mock", "streaming": {"enabled": True, "providers": providers}}


def test_a_current_key_wins_over_its_old_name(tmp_path: Path) -> None:
    text = '{\n  fromNumber: "+15550001111", // this one\n  twilio: { from: "+15550002222" },\n}\n'
    found = repair(tmp_path, text)
    assert found.text == '{\n  fromNumber: "+15550001111", // this one\n}\n'
    assert found.changes == ("twilio.from removed; fromNumber is set and wins",)


def test_line_ends_and_the_byte_order_mark_are_kept(tmp_path: Path) -> None:
    number = '"+15550001111"'
    old = ["{", '  provider: "log", // x', "  twilio: {", f"    from: {number}", "  },", "}"]
    new = ["{", f"  fromNumber: {number},", '  provider: "mock", // x', "}"]
    found = repair(tmp_path, "\ufeff" + "\r\n".join(old))
    assert found.text == "\ufeff" + "\r\n".join(new)


def test_the_old_file_is_kept_beside_the_new_one_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "voicecall.json5"
    path.write_text(OLD)
    path.chmod(0o640)
    backups = [write_with_backup(path, NEW), write_with_backup(path, NEW)]
    assert [backup.name for backup in backups] == ["voicecall.json5.bak", "voicecall.json5.bak1"]
    assert (backups[0].read_text(), path.read_text()) == (OLD, NEW)
    assert [file.stat().st_mode & 0o777 for file in (path, *backups)] == [0o640] * 3
    assert len(list(tmp_path.iterdir())) == 3


def test_a_link_to_a_file_stays_a_link(tmp_path: Path) -> None:
    real = tmp_path / "real.json5"
    real.write_text(OLD)
    link = tmp_path / "voicecall.json5"
    link.symlink_to(real)
    write_with_backup(link, NEW)
    assert link.is_symlink()
    assert (real.read_text(), (tmp_path / "real.json5.bak").read_text()) == (NEW, OLD)


VALUES: dict[tuple[str, ...], Any] = {
    ("provider",): "log",
    ("toNumber",): "+15550003333",
    ("twilio", "from"): "+15550001111",
    ("twilio", "accountSid"): "AC1",
    ("streaming", "enabled"): True,
    ("streaming", "sttProvider"): "openai",
    ("streaming", "sttModel"): "m",
    ("streaming", "vadThreshold"): 0.25,
    ("streaming", "openaiApiKey"): "k",
    ("tts", "provider"): "openai",
    ("tts", "openai"): {"voice": "alloy"},
    ("tts", "providers"): {"elevenlabs": {"seed": 1}},
}


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A section in some style, and the comments in it."""
    chosen = draw(st.lists(st.sampled_from(sorted(VALUES)), unique=True, min_size=1))
    tree: dict[str, Any] = {}
    for path in chosen:
        below = tree
        for step in path[:-1]:
            below = below.setdefault(step, {})
        below[path[-1]] = VALUES[path]
    quote = draw(st.sampled_from(["", '"', "'"]))
    comments: list[str] = []

    def note(kind: str) -> str:
        if not draw(st.booleans()):
            return ""
        comments.append(f"note {len(comments)}.")
        return f"// {comments[-1]}" if kind == "line" else f"/* {comments[-1]} */"

    def written(value: Any, depth: int) -> str:
        if not isinstance(value, dict):
            return json.dumps(value)
        if draw(st.booleans()):
            parts = [
                f"{note('block')} {quote}{key}{quote}: {written_flat(below)} {note('block')}"
                for key, below in value.items()
            ]
            return "{" + ",".join(parts) + draw(st.sampled_from(["", ","])) + "}"
        pad, lines = "  " * (depth + 1), [f"{{ {note('line')}"]
        last = len(value) - 1
        for number, (key, below) in enumerate(value.items()):
            if above := note("line"):
                lines.append(pad + above)
            comma = "," if number < last or draw(st.booleans()) else ""
            lines.append(
                f"{pad}{quote}{key}{quote}: {written(below, depth + 1)}{comma} {note('line')}"
            )
        return "\n".join([*lines, "  " * depth + "}"])

    def written_flat(value: Any) -> str:
        if not isinstance(value, dict):
            return json.dumps(value)
        inner = ", ".join(f"{quote}{key}{quote}: {written_flat(v)}" for key, v in value.items())
        return "{" + inner + "}"

    return written(tree, 0), comments


@settings(max_examples=40, deadline=None)
@given(documents())
def test_in_any_style_all_comments_stay_and_no_old_key_does(
    tmp_path_factory: pytest.TempPathFactory, made: tuple[str, list[str]]
) -> None:
    text, comments = made
    folder = tmp_path_factory.getbasetemp()
    found = repair(folder, text)
    assert sorted(re.findall(r"note \d+\.", found.text)) == sorted(comments)
    again = repair(folder, found.text)
    assert (again.text, again.changes) == (found.text, ())
