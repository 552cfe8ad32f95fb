"""What is kept of a call? What its phone heard, what was said, and when."""

from __future__ import annotations

from pathlib import Path

import anyio
import msgspec

from voicecall_mock.network.journal import Journal
from voicecall_mock.network.line import PhoneLine
from voicecall_mock.network.sound import write_wav
from voicecall_mock.orders import CallView, Line

_DOING = {"heard": "", "said": "", "pressed": "pressed ", "digits": "sent keys ", "note": "* "}


async def keep_audio(folder: Path, call_id: str, line: PhoneLine) -> str:
    """Write what the phone heard (mono) and both sides (left: the phone, right: us).

    Returns:
        The path of the stereo file.
    """
    heard, said = bytes(line.heard), bytes(line.said)
    stereo = folder / f"{call_id}.wav"

    def write() -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_wav(str(folder / f"{call_id}.heard.wav"), heard)
        write_wav(str(stereo), said, heard)

    await anyio.to_thread.run_sync(write)
    return str(stereo)


async def keep_words(folder: Path, view: CallView, journal: Journal) -> None:
    """Write the transcript as JSON and as text, lines in the order in which they began."""
    lines = journal.sorted()
    whole = msgspec.structs.replace(view, lines=lines)
    document = msgspec.json.format(msgspec.json.encode(whole), indent=2)
    await _write_whole(folder / f"{view.id}.transcript.json", document + b"\n")
    text = "".join(f"{spell(line)}\n" for line in lines)
    await _write_whole(folder / f"{view.id}.transcript.txt", text.encode())


async def _write_whole(path: Path, content: bytes) -> None:
    """Nobody ever sees half of the file."""
    draft = anyio.Path(f"{path}.new")
    await draft.write_bytes(content)
    await draft.replace(path)


def spell(line: Line) -> str:
    """`line` for people: seconds, speaker, words."""
    return f"{line.at:7.2f}  {line.speaker:>5}  {_DOING.get(line.kind, '')}{line.text}"
