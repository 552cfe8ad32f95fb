"""Do settings that are right one by one make sense together, and with the selected plugins?"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from voicecall.config.loaded import Selection
from voicecall.config.policy_checks import check_policy
from voicecall.config.positions import KeyPath, written
from voicecall.config.report import Report
from voicecall.config.schema import Settings
from voicecall.config.tree import Node
from voicecall.model.phone import is_e164, normalise_number
from voicecall.sdk.provider import Capability

_E164_ADVICE = "write + and the country code, then digits only, for example +15550001234"


def check_settings(settings: Settings, section: Node, report: Report) -> None:
    """Report what is wrong within the kernel's own settings."""
    _numbers(settings, section, report)
    _paths(settings, section, report)
    _listeners(settings, section, report)
    _proxies(settings, section, report)
    check_policy(settings, section, report)


def check_selection(
    settings: Settings, selection: Selection, section: Node, report: Report
) -> None:
    """Report what the selected plugins need and the settings do not give."""
    _signatures(settings, selection, section, report)
    if selection.provider is None:
        return
    spec = selection.provider.spec
    if spec.needs_from_number and settings.from_number is None:
        variable = spec.root_environment.get("fromNumber")
        report.error(
            f"provider {spec.name!r} needs fromNumber",
            section.child("provider") or section,
            suggestion='add fromNumber: "+…"' + (f", or set {variable}" if variable else ""),
        )
    if spec.needs_public_url and selection.exposure is None and not selection.exposure_asked:
        report.error(
            f"provider {spec.name!r} cannot reach us: nothing makes {settings.serve.path!r} public",
            section.child("provider") or section,
            suggestion="set publicUrl, or name an exposure in tunnel.provider",
        )
    if settings.streaming.enabled and Capability.MEDIA_STREAMS not in spec.capabilities:
        report.error(
            f"provider {spec.name!r} has no media streams",
            section.at(("streaming", "enabled")),
            suggestion="set streaming.enabled to false",
        )


def is_loopback(host: str) -> bool:
    """Whether a bind address is reachable from this machine only."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host.lower() == "localhost"


def _numbers(settings: Settings, section: Node, report: Report) -> None:
    for path, text, at_key in _written_numbers(settings):
        if is_e164(text):
            continue
        better = normalise_number(text)
        report.error(
            f"{written(path[:1])}: {text!r} is no E.164 number",
            section.at(path),
            suggestion="drop blanks and punctuation" if better else _E164_ADVICE,
            at_key=at_key,
        )


def _written_numbers(settings: Settings) -> Iterator[tuple[KeyPath, str, bool]]:
    if settings.from_number is not None:
        yield ("fromNumber",), settings.from_number, False
    if settings.to_number is not None:
        yield ("toNumber",), settings.to_number, False
    for index, text in enumerate(settings.allow_from):
        yield ("allowFrom", index), text, False
    for text in settings.numbers:
        yield ("numbers", text), text, True
    for index, text in enumerate(settings.outbound.guard.do_not_call):
        yield ("outbound", "guard", "doNotCall", index), text, False


def _paths(settings: Settings, section: Node, report: Report) -> None:
    webhook, stream = settings.serve.path, settings.streaming.stream_path
    for path, text in ((("serve", "path"), webhook), (("streaming", "streamPath"), stream)):
        if not text.startswith("/") or text == "/" or set(text) & set("?#% \\") or "//" in text:
            report.error(
                f"{'.'.join(path)}: {text!r} is no path",
                section.at(path),
                suggestion="begin with / and use neither query, fragment, blanks nor escapes",
            )
    first, second = webhook.rstrip("/") + "/", stream.rstrip("/") + "/"
    if first.startswith(second) or second.startswith(first):
        report.error(
            f"streaming.streamPath {stream!r} and serve.path {webhook!r} overlap",
            section.at(("streaming", "streamPath")) or section.at(("serve", "path")),
            suggestion="give each a path of its own",
        )


def _listeners(settings: Settings, section: Node, report: Report) -> None:
    serve, gateway = settings.serve, settings.gateway
    if serve.port == gateway.port != 0:
        report.error(
            f"serve.port and gateway.port are both {serve.port}",
            section.at(("gateway", "port")) or section.at(("serve", "port")),
            suggestion="the public listener and the gateway need a port each",
        )
    if not (is_loopback(gateway.bind) or gateway.allow_insecure_bind):
        report.error(
            f"gateway.bind: {gateway.bind!r} is reachable from other machines, unencrypted",
            section.at(("gateway", "bind")),
            suggestion='bind "127.0.0.1" and put a TLS proxy in front, '
            "or set gateway.allowInsecureBind to true",
        )


def _proxies(settings: Settings, section: Node, report: Report) -> None:
    for index, text in enumerate(settings.webhook_security.trusted_proxy_ips):
        try:
            ipaddress.ip_network(text)
        except ValueError:
            report.error(
                f"trustedProxyIPs: {text!r} is neither an address nor a CIDR range",
                section.at(("webhookSecurity", "trustedProxyIPs", index)),
                suggestion="for example 10.0.0.7 or 10.0.0.0/8",
            )


def _signatures(settings: Settings, selection: Selection, section: Node, report: Report) -> None:
    if not settings.skip_signature_verification:
        return
    node = section.child("skipSignatureVerification")
    if not is_loopback(settings.serve.bind):
        reason = f"serve.bind {settings.serve.bind!r} is reachable from other machines"
    elif selection.exposure is not None:
        reason = f"exposure {selection.exposure.spec.name!r} makes us public"
    else:
        report.warning("webhooks are accepted without a signature", node)
        return
    report.error(
        f"skipSignatureVerification is refused: {reason}",
        node,
        suggestion="remove it; anybody could forge calls",
    )
