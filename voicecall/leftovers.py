"""What did a killed gateway leave of an exposure that is not in force any more? It goes."""

from __future__ import annotations

import logging
from pathlib import Path

import anyio

from voicecall.config.hiding import hiding
from voicecall.config.loaded import LoadedConfig
from voicecall.opening import Opener
from voicecall.sdk.exposure import Marker
from voicecall.sdk.specs import ExposureSpec
from voicecall.web.server import Listening

logger = logging.getLogger(__name__)

CLEAR_SECONDS = 20.0
"""Real seconds that one exposure may take to clear up."""


async def clear_leftovers(
    loaded: LoadedConfig, opener: Opener, *, state_dir: Path, here: Listening
) -> None:
    """Take away what the exposures that are not in force left; the one in force does it itself.

    What cannot be taken away is told, and left to the next start.

    Args:
        loaded: the configuration.
        opener: lends what an exposure needs.
        state_dir: where exposures note what they set up.
        here: the public listener.
    """
    if not Marker.is_any(state_dir):
        return
    in_force = loaded.exposure.spec if loaded.exposure else None
    for spec in loaded.registry.specs(ExposureSpec):
        if spec is not in_force and spec.clear is not None:
            await _cleared(spec, loaded, opener, here)


async def _cleared(
    spec: ExposureSpec, loaded: LoadedConfig, opener: Opener, here: Listening
) -> None:
    assert spec.clear is not None
    context = opener.exposure_context(spec, host=here.host, port=here.port)
    try:
        with anyio.fail_after(CLEAR_SECONDS):
            found = await spec.clear(loaded.section(spec), context)
    except Exception as error:
        logger.debug("an exposure could not clear up", exc_info=True)
        why = hiding.private(str(error) or type(error).__name__)
        logger.warning(
            "what a killed gateway opened with exposure %r may still be public: %s", spec.name, why
        )
        return
    if found:
        logger.warning(
            "what a killed gateway had opened with exposure %r was taken away", spec.name
        )
