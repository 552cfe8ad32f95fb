"""Which mounts does the configuration ask for, and which URLs follow from them?"""

from __future__ import annotations

from dataclasses import dataclass

from voicecall.sdk import ExposureContext, ExposureError
from voicecall_expose_tailscale.plugin import FUNNEL_PORTS, TailscaleConfig
from voicecall_expose_tailscale.serving import Mount


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What shall be there, under whichever name the machine has.

    Args:
        port: the public one.
        funnel: whether for the whole internet.
        webhook, stream: public path.
        webhook_target, stream_target: where it leads to. Tailscale strips the path of a mount
            and puts what is behind it to the target, which therefore has the whole local path.
    """

    port: int
    funnel: bool
    webhook: str
    stream: str
    webhook_target: str
    stream_target: str

    def mounts(self, host: str) -> tuple[Mount, Mount]:
        """Both of them on `host`."""
        return (
            Mount(host=host, port=self.port, path=self.webhook, target=self.webhook_target),
            Mount(host=host, port=self.port, path=self.stream, target=self.stream_target),
        )

    def authority(self, host: str) -> str:
        """Host and port as URLs have them."""
        return host if self.port == 443 else f"{host}:{self.port}"


def plan(config: TailscaleConfig, context: ExposureContext) -> Plan:
    """What `config` asks for.

    Raises:
        ExposureError: it cannot be had.
    """
    if config.mode == "off":
        raise ExposureError("tailscale.mode is off", remedy="set it to serve or to funnel")
    if config.mode == "funnel" and config.port not in FUNNEL_PORTS:
        raise ExposureError(
            f"Funnel is not possible on port {config.port}",
            remedy="set tailscale.port to 443, 8443 or 10000",
        )
    webhook, stream = _local(context.webhook_path), _local(context.stream_path)
    public = config.path
    beside = _prefix(public, webhook) + stream
    if public == beside:
        raise ExposureError(
            f"tailscale.path is {public!r}, which is the path of media streams",
            remedy="set it to another path",
        )
    base = f"http://{_loopback(context.host)}:{context.port}"
    return Plan(
        port=config.port,
        funnel=config.mode == "funnel",
        webhook=public,
        stream=beside,
        webhook_target=base + webhook,
        stream_target=base + stream,
    )


def _prefix(public: str, webhook: str) -> str:
    """What stands before everything: /line1 of /line1/voice/webhook for /voice/webhook."""
    own = "" if webhook == "/" else webhook
    return public.removesuffix(own).rstrip("/") if public.endswith(own) else ""


def _local(path: str) -> str:
    return path.rstrip("/") or "/"


def _loopback(host: str) -> str:
    """Our listener as a daemon on this machine reaches it; anything else it would refuse."""
    if host in ("", "0.0.0.0", "::", "localhost"):
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host
