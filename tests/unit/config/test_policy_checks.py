"""Is what is written about calling and callers checked where it is written?"""

from __future__ import annotations

from typing import Any

import pytest


def guard(text: str) -> str:
    return f"{{ outbound: {{ guard: {{ {text} }} }} }}"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (guard('quietHours: { from: "9:00", to: "08:00" }'), "from"),
        (guard('quietHours: { from: "21:00" }'), "to"),
        (guard('quietHours: { from: "08:00", to: "08:00" }'), "from and to are both 08:00"),
        (
            guard('quietHours: { from: "21:00", to: "08:00", timeZone: "Mars/Base" }'),
            "'Mars/Base' is no time zone",
        ),
        (guard('spendCap: { amount: 1, currency: "eur", pricePerMinute: 1 }'), "currency"),
        (guard('spendCap: { amount: 1, currency: "EUR" }'), "pricePerMinute"),
        (guard('spendCap: { amount: 1, currency: "EUR", pricePerMinute: 0 }'), "greater than 0"),
        ('{ pairing: { message: "No code for you." } }', "pairing.message has no {code}"),
        ('{ minAttestation: "D" }', "'A', 'B' or 'C'"),
        ('{ outbound: { optOut: { digit: "12" } } }', "digit"),
    ],
)
def test_what_makes_no_sense_is_an_error(problems: Any, text: str, message: str) -> None:
    (problem,) = problems(text)
    assert message in str(problem)
    assert problem.severity == "error"


@pytest.mark.parametrize(
    "text",
    [
        guard('quietHours: { from: "21:00", to: "08:00", timeZone: "Europe/Berlin" }'),
        guard('spendCap: { amount: 25, currency: "USD", pricePerMinute: 0.05 }'),
        '{ inboundPolicy: "pairing", minAttestation: "B" }',
    ],
)
def test_what_makes_sense_is_accepted_in_silence(load: Any, text: str) -> None:
    assert load(text).warnings == ()


def test_a_cap_below_the_price_of_one_call_is_a_warning(load: Any) -> None:
    text = guard('spendCap: { amount: 1, currency: "EUR", pricePerMinute: 0.5 }')
    (warning,) = load(text).warnings
    assert "less than one call of maxDurationSeconds may cost (2.5 EUR)" in str(warning)


def test_acceptance_40_by_default_nobody_may_call_and_nothing_is_recorded(load: Any) -> None:
    settings = load("{}").settings
    assert settings.inbound_policy == "disabled"
    assert settings.recording.enabled is False
