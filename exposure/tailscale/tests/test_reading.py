"""Is what Tailscale and the configuration say read as it is meant, whatever else it may be?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_tailscale.node import fault, read_node
from voicecall_expose_tailscale.plan import plan
from voicecall_expose_tailscale.plugin import TailscaleConfig, voicecall_exposures
from voicecall_expose_tailscale.serving import read_serving

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: (
        st.lists(inner)
        | st.dictionaries(
            st.sampled_from(["Self", "CapMap", "Web", "TCP", "443", "Handlers", "AllowFunnel"])
            | st.sampled_from(["Foreground", "BackendState", "Version", "a:443", "/"])
            | st.text(),
            inner,
        )
    ),
)


@settings(max_examples=50, deadline=None)
@given(JSON)
def test_whatever_is_answered_can_be_read(document: object) -> None:
    fault(read_node(document))
    read_serving(document).others(443, ())


def test_the_dot_at_the_end_of_the_name_is_dropped() -> None:
    node = read_node({"BackendState": "Running", "Self": {"DNSName": "box.tail1234.ts.net."}})
    assert node.host == "box.tail1234.ts.net"
    assert fault(node) is None


@pytest.mark.parametrize(
    ("port", "allowed"), [(443, True), (8443, True), (8500, True), (8501, False), (80, False)]
)
def test_the_ports_for_funnel_are_a_capability(port: int, allowed: bool) -> None:
    rights = {"https": None, "https://tailscale.com/cap/funnel-ports?ports=443,8080-8500": None}
    node = read_node({"Self": {"CapMap": rights}})
    assert node.may_funnel_on(port) is allowed
    assert node.may("https")
    assert not node.may("funnel")


def test_a_machine_without_a_name_cannot_be_reached() -> None:
    error = fault(read_node({"BackendState": "Running", "Self": {"DNSName": ""}}))
    assert error is not None
    assert "MagicDNS" in str(error.remedy)


@pytest.mark.parametrize("port", [80, 444, 9443])
def test_a_port_on_which_there_is_no_funnel_names_those_on_which_there_is(port: int) -> None:
    with pytest.raises(ValidationError, match="443, 8443 and 10000"):
        TailscaleConfig.model_validate({"mode": "funnel", "port": port})
    assert TailscaleConfig.model_validate({"mode": "serve", "port": port}).port == port


def test_a_mode_that_the_tunnels_name_implies_is_checked_when_it_opens(
    context: ExposureContext,
) -> None:
    (spec,) = voicecall_exposures()
    config = TailscaleConfig(port=444)
    implied = config.model_copy(update=dict(spec.tunnel_names["tailscale-funnel"]))
    with pytest.raises(ExposureError, match="port 444"):
        plan(implied, context)
    with pytest.raises(ExposureError, match="mode is off"):
        plan(config, context)


@pytest.mark.parametrize("path", ["voice", "/a?b", "/a#b", "/a b", "/a//b", "/../a", "/a%2f", ""])
def test_a_path_that_is_none_is_refused(path: str) -> None:
    if path:
        with pytest.raises(ValidationError, match="must be a path"):
            TailscaleConfig.model_validate({"path": path})
    else:
        assert TailscaleConfig.model_validate({"path": path}).path == "/"


@pytest.mark.parametrize(
    ("public", "served", "webhook", "stream"),
    [
        ("/voice/webhook", "/voice/webhook", "/voice/webhook", "/voice/stream"),
        ("/line1/voice/webhook/", "/voice/webhook", "/line1/voice/webhook", "/line1/voice/stream"),
        ("/hooks", "/voice/webhook", "/hooks", "/voice/stream"),
        ("/", "/voice/webhook", "/", "/voice/stream"),
        ("/line1", "/", "/line1", "/line1/voice/stream"),
    ],
)
def test_the_stream_lies_beside_the_webhook(
    context: ExposureContext, public: str, served: str, webhook: str, stream: str
) -> None:
    config = TailscaleConfig(mode="funnel", path=public)
    wanted = plan(config, replace(context, webhook_path=served))
    assert [each.path for each in wanted.mounts("a.test")] == [webhook, stream]
    targets = [each.target for each in wanted.mounts("a.test")]
    assert targets == [f"http://127.0.0.1:3334{served}", "http://127.0.0.1:3334/voice/stream"]


def test_the_webhook_cannot_have_the_path_of_streams(context: ExposureContext) -> None:
    with pytest.raises(ExposureError, match="media streams"):
        plan(TailscaleConfig(mode="serve", path="/voice/stream"), context)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "localhost", "127.0.0.1"])
def test_every_address_of_ours_is_reached_on_loopback(context: ExposureContext, host: str) -> None:
    wanted = plan(TailscaleConfig(mode="serve"), replace(context, host=host))
    assert wanted.webhook_target.startswith("http://127.0.0.1:3334/")


def test_off_asks_for_nothing_and_the_tunnel_names_choose_a_mode() -> None:
    (spec,) = voicecall_exposures()
    assert not spec.wanted(TailscaleConfig())
    assert spec.wanted(TailscaleConfig(mode="serve"))
    assert spec.precedence == 20
    assert {name: dict(each) for name, each in spec.tunnel_names.items()} == {
        "tailscale-serve": {"mode": "serve"},
        "tailscale-funnel": {"mode": "funnel"},
    }
