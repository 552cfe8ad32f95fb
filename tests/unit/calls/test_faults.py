"""Does the log say why a carrier did not do what it was told, and what to do about it?"""

import logging

import pytest

from voicecall.calls import faults
from voicecall.errors import (
    CapabilityMissing,
    CarrierAuthFailed,
    CarrierCallGone,
    CarrierError,
    CarrierRejected,
    CarrierUnreachable,
)

LOGGER = logging.getLogger("voicecall.calls.steering")


def told(caplog: pytest.LogCaptureFixture, error: Exception) -> logging.LogRecord:
    faults.tell(LOGGER, "a command", error, attempt=2)
    (record,) = caplog.records
    return record


@pytest.mark.parametrize(
    ("error", "advice"),
    [
        (CarrierUnreachable("no answer: ConnectError"), "network"),
        (CarrierAuthFailed("it does not accept the key", code="E01"), "credentials"),
        (CarrierCallGone("the call has ended"), "nothing"),
        (CarrierRejected("refused with E21", code="E21"), "code"),
        (CapabilityMissing("transfer", plugin="acme"), "declares"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value,
)
def test_a_warning_names_the_kind_of_failure_and_what_to_do(
    caplog: pytest.LogCaptureFixture, error: Exception, advice: str
) -> None:
    record = told(caplog, error)
    line = record.getMessage()
    assert line.startswith(f"a command did not succeed ({type(error).__name__}): ")
    assert advice in line
    beside = vars(record)
    assert (beside["error"], beside["attempt"]) == (str(error), 2)
    assert beside.get("code") == (error.code if isinstance(error, CarrierError) else None)
    assert record.exc_info is None


def test_a_defect_of_a_plugin_comes_with_its_traceback(caplog: pytest.LogCaptureFixture) -> None:
    error = KeyError("uuid")
    record = told(caplog, error)
    assert "report it" in record.getMessage()
    assert record.exc_info is not None and record.exc_info[1] is error
