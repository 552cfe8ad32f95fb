"""What does this distribution offer? The STT backend `sphinx`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from voicecall.sdk import PCM16_16K, SttBackend, SttContext, SttSpec, hookimpl
from voicecall_stt_sphinx.config import SphinxConfig


@asynccontextmanager
async def open_sphinx(config: SphinxConfig, context: SttContext) -> AsyncIterator[SttBackend]:
    """The backend, with its model loaded.

    Raises:
        SpeechError: the grammar cannot be used.
    """
    from voicecall_stt_sphinx.backend import SphinxStt
    from voicecall_stt_sphinx.recogniser import dictionary_file

    if not config.expected_words():
        context.logger.warning(
            "sphinx listens without `phrases` or a `grammar`; free speech is recognised poorly"
        )
    with dictionary_file(config) as dictionary:
        backend = SphinxStt(config, dictionary, context.silence_seconds)
        await backend.warm_up()
        yield backend


@hookimpl
def voicecall_stt_backends() -> list[SttSpec]:
    """The backend `sphinx`: no account, no network, for speech that is expected."""
    return [
        SttSpec(
            name="sphinx",
            summary="pocketsphinx: offline, US English, for a list of expected phrases",
            config=SphinxConfig,
            open=open_sphinx,
            input_format=PCM16_16K,
            offline_rank=10,
        )
    ]
