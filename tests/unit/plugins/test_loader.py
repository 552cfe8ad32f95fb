"""Does a plugin that misbehaves spoil only itself, and is it blamed for the right thing?"""

from typing import Any

import pytest

from voicecall.errors import PluginError
from voicecall.plugins import loader
from voicecall.sdk import TtsSpec

GOOD = """
@hookimpl
def voicecall_tts_backends():
    return [spec("acme")]
"""


def test_a_plugin_is_found_by_its_entry_point(shelf: Any) -> None:
    shelf.install(GOOD)
    registry = shelf.load()
    assert registry.get(TtsSpec, "acme").summary == "for a test"
    assert registry.get("tts", "acme") is registry.get(TtsSpec, "acme")
    (report,) = registry.reports
    assert (report.name, report.distribution, report.version) == ("acme", "acme-voice", "1.2")
    assert (report.kinds, report.broken, report.origin) == (("tts",), None, "wheel")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('no licence')", "cannot be imported: RuntimeError: no licence"),
        ("import sys; sys.exit(3)", "cannot be imported: SystemExit: 3"),
        ("def broken(:", "cannot be imported: SyntaxError"),
        (
            "@hookimpl\ndef voicecall_tts_backends():\n    raise KeyError('x')",
            "voicecall_tts_backends raised KeyError: 'x'",
        ),
        (
            "@hookimpl\ndef voicecall_tts_backends():\n    raise SystemExit(1)",
            "voicecall_tts_backends raised SystemExit: 1",
        ),
        (
            "@hookimpl\nasync def voicecall_tts_backends():\n    return []",
            "voicecall_tts_backends is async",
        ),
        (
            "async def later():\n    return []\n"
            "@hookimpl\ndef voicecall_tts_backends():\n    return later()",
            "returned a coroutine",
        ),
        ("@hookimpl\ndef voicecall_tts_backends():\n    yield spec('a')", "of type generator"),
        ("@hookimpl\ndef voicecall_tts_backends():\n    return None", "returned None, not a list"),
        (
            "@hookimpl\ndef voicecall_tts_backends():\n    return ['acme']",
            "the list holds an object of type str, not a TtsSpec",
        ),
        (
            "@hookimpl\ndef voicecall_providers():\n    return [spec('acme')]",
            "the list holds an object of type TtsSpec, not a ProviderSpec",
        ),
        ("@hookimpl\ndef voicecall_tts_backends():\n    return [spec('Acme!')]", "name 'Acme!'"),
        (
            "@hookimpl\ndef voicecall_tts_backends():\n    return [spec('a', dict)]",
            "must be a subclass of voicecall.sdk.Section",
        ),
        (
            "@hookimpl\ndef voicecall_tts_backends():\n    return [spec('a'), spec('a')]",
            "returns tts 'a' twice",
        ),
        (
            "@hookimpl\ndef voicecall_tts_backend():\n    return []",
            "unknown hook 'voicecall_tts_backend'; did you mean 'voicecall_tts_backends'?",
        ),
        ("def voicecall_tts_backends():\n    return []", "is not marked with @hookimpl"),
        ("@hookimpl\ndef voicecall_tts_backends(config):\n    return []", "cannot be registered"),
        ("x = 1", "it implements no hook"),
    ],
)
def test_a_broken_plugin_is_a_report_that_says_why(shelf: Any, source: str, reason: str) -> None:
    shelf.install(GOOD.replace("acme", "good"), distribution="good-voice", entry="good")
    shelf.install(source)
    registry = shelf.load()
    broken, good = registry.reports
    assert reason in broken.broken
    assert good.broken is None
    assert registry.get("tts", "good")


@pytest.mark.parametrize(
    "source",
    [
        "import threading; threading.Event().wait()",
        "import threading\n@hookimpl\ndef voicecall_tts_backends():\n    threading.Event().wait()",
    ],
    ids=["import", "hook"],
)
def test_acceptance_46_a_plugin_that_hangs_is_named_and_the_others_work(
    shelf: Any, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.setattr(loader, "HOOK_SECONDS", 0.5)
    shelf.install(source, entry="stuck", distribution="stuck-voice")
    shelf.install(GOOD)
    registry = shelf.load()
    assert registry.get(TtsSpec, "acme").name == "acme"
    (report,) = [each for each in registry.reports if each.broken]
    assert (report.name, report.distribution) == ("stuck", "stuck-voice")
    assert "did not answer within 0.5 s" in str(report.broken)


def test_a_broken_plugin_is_named_when_it_is_selected(shelf: Any) -> None:
    shelf.install(GOOD + "\n@hookimpl\ndef voicecall_stt_backends():\n    raise OSError('no disk')")
    registry = shelf.load()
    assert registry.specs("tts") == ()
    with pytest.raises(PluginError, match="acme-voice 1.2 is broken: .* raised OSError: no disk"):
        registry.get("tts", "acme")


def test_a_plugin_that_cannot_be_imported_is_known_by_its_distribution(shelf: Any) -> None:
    shelf.install("import nothing_like_this", distribution="voicecall-tts-acme", entry="tts-acme")
    with pytest.raises(PluginError, match="voicecall-tts-acme 1.2 is broken: .*nothing_like_this"):
        shelf.load().get("tts", "acme")


def test_two_plugins_that_claim_one_name_are_both_named_and_neither_is_used(shelf: Any) -> None:
    shelf.install(GOOD, distribution="first")
    shelf.install(GOOD, distribution="second", entry="other")
    registry = shelf.load()
    assert registry.specs("tts") == ()
    with pytest.raises(PluginError, match="'acme' is claimed by first 1.2 and second 1.2"):
        registry.get("tts", "acme")
    assert all("first 1.2 and second 1.2" in report.conflicts[0] for report in registry.reports)


def test_two_distributions_with_one_entry_point_name_are_both_loaded(shelf: Any) -> None:
    shelf.install(GOOD, distribution="first")
    shelf.install(GOOD.replace('"acme"', '"other"'), distribution="second")
    assert [spec.name for spec in shelf.load().specs("tts")] == ["acme", "other"]


def test_the_environment_restricts_what_is_loaded(shelf: Any) -> None:
    shelf.install(GOOD, distribution="voicecall-one", entry="one")
    shelf.install("raise RuntimeError('must not be imported')", distribution="voicecall-two")
    registry = shelf.load(only="one, something-else")
    assert [report.name for report in registry.reports] == ["one"]
    with pytest.raises(PluginError, match="VOICECALL_PLUGINS loads only one, something-else"):
        registry.get("provider", "two")


def test_an_earlier_copy_on_the_path_shadows_a_later_one(shelf: Any) -> None:
    shelf.install("raise RuntimeError('an old copy')")
    shelf.install(GOOD)
    (report,) = shelf.load().reports
    assert report.broken is None


@pytest.mark.parametrize(
    ("record", "origin"),
    [
        ('{"url": "file:///a%20b/c", "dir_info": {"editable": true}}', "editable /a b/c"),
        ('{"url": "file:///a/c.whl", "archive_info": {}}', "local /a/c.whl"),
        ('{"url": "https://example.test/c.whl"}', "https://example.test/c.whl"),
        ("[]", "unknown (its direct_url.json cannot be read)"),
    ],
)
def test_a_report_says_where_a_plugin_is_from(shelf: Any, record: str, origin: str) -> None:
    shelf.install(GOOD, url=record)
    assert shelf.load().reports[0].origin == origin
