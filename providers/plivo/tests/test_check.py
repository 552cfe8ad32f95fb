"""Does `check` say what is wrong, and what to do about it?"""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from voicecall.sdk import Finding, Severity

ACCOUNT = "https://api.plivo.com/v1/Account/MAXXXXXXXXXXXXXXXXXX/"
GOOD_ACCOUNT = {"cash_credits": "12.5", "auto_recharge": False}
GOOD_NUMBER = {"voice_enabled": True, "application": "/v1/Account/MA/Application/299/"}


def good_application(urls: Any) -> dict[str, str]:
    return {
        "answer_url": urls.webhook(),
        "hangup_url": f"{urls.webhook('hangup')}#rc=1",
        "fallback_answer_url": urls.webhook("fallback"),
    }


def checked(provider: Any, answers: Any, *given: tuple[int, object]) -> list[Finding]:
    for status, body in given:
        answers.give(status, body)
    findings = list(anyio.run(provider.check))
    assert all(method == "GET" for method, _, _ in answers.asked)
    assert all(finding.remedy for finding in findings if finding.severity is not Severity.OK)
    return findings


def test_a_good_account_is_good(provider: Any, answers: Any, urls: Any) -> None:
    given = ((200, GOOD_ACCOUNT), (200, GOOD_NUMBER), (200, good_application(urls)))
    findings = checked(provider, answers, *given)
    assert [finding.severity for finding in findings] == [Severity.OK] * 3
    assert [url for _, url, _ in answers.asked] == [
        ACCOUNT,
        f"{ACCOUNT}Number/14155550199/",
        f"{ACCOUNT}Application/299/",
    ]


def test_wrong_credentials_are_an_error_and_the_only_finding(provider: Any, answers: Any) -> None:
    (finding,) = checked(provider, answers, (401, "Could not verify"))
    assert finding.severity is Severity.ERROR
    assert "plivo.authToken" in str(finding.remedy)


def test_a_plivo_that_does_not_answer_is_an_error(provider: Any, answers: Any) -> None:
    (finding,) = checked(provider, answers, (503, None))
    assert finding.severity is Severity.ERROR


def test_an_empty_account_is_a_warning(provider: Any, answers: Any, urls: Any) -> None:
    given = (
        (200, {"cash_credits": "0.00000"}),
        (200, GOOD_NUMBER),
        (200, good_application(urls)),
    )
    assert checked(provider, answers, *given)[0].severity is Severity.WARNING


@pytest.mark.parametrize(
    ("answer", "severity", "words"),
    [
        ((404, {"error": "not found"}), Severity.ERROR, "does not own"),
        ((200, {**GOOD_NUMBER, "voice_enabled": False}), Severity.ERROR, "no voice"),
        ((200, {**GOOD_NUMBER, "application": None}), Severity.WARNING, "no application"),
        ((503, None), Severity.WARNING, "tell about the number"),
    ],
)
def test_what_is_wrong_with_the_number_is_told(
    provider: Any, answers: Any, answer: Any, severity: Severity, words: str
) -> None:
    _, finding = checked(provider, answers, (200, GOOD_ACCOUNT), answer)
    assert finding.severity is severity
    assert words in finding.message
    assert "14155550199" not in finding.message


def test_callback_urls_of_another_gateway_are_told_with_the_right_ones(
    provider: Any, answers: Any, urls: Any
) -> None:
    elsewhere = {**good_application(urls), "answer_url": "https://elsewhere.example/a"}
    given = ((200, GOOD_ACCOUNT), (200, GOOD_NUMBER), (200, elsewhere))
    *_, finding = checked(provider, answers, *given)
    assert finding.severity is Severity.WARNING
    assert "answer_url" in finding.message
    assert urls.webhook() in str(finding.remedy)
