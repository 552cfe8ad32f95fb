"""What is the simulated network made with? Handed down once, to everything in it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path

from voicecall.sdk import Clock, SpeechBackends
from voicecall_mock.config import MockConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class NetworkTools:
    """What a network needs; `recordings` None: nothing is written."""

    config: MockConfig
    clock: Clock
    speech: SpeechBackends
    logger: logging.Logger
    recordings: Path | None
