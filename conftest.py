"""What every test starts from: asyncio as the event loop, and a Ctrl-C that works.

Virtual time asks for trio itself. A CI that runs us in the background has SIGINT ignored, which
the commands that tests start would inherit.
"""

import signal

import pytest

signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"
