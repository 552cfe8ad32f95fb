"""Which carrier-facing URLs follow from the public URL and the paths that we serve?"""

from __future__ import annotations

from voicecall.sdk import PublicEndpoint
from voicecall_expose_public_url.url import PublicUrl


class PublicUrlEndpoint(PublicEndpoint):
    """Somebody else, a reverse proxy or a tunnel of your own, forwards to our listener.

    Args:
        url: the carrier-facing URL of the webhook path; without a path, of the host.
        webhook_path: the path that we serve, ``serve.path``.
        stream_path: the path of media streams that we serve.
    """

    def __init__(self, url: PublicUrl, *, webhook_path: str, stream_path: str) -> None:
        self._url = url
        self._webhook_path = webhook_path.rstrip("/")
        self._stream_path = stream_path.rstrip("/")

    @property
    def webhook_url(self) -> str:
        """The configured URL; the path that we serve when it has none."""
        return str(self._url) if self._url.path else f"{self._url}{self._webhook_path}"

    @property
    def stream_url(self) -> str:
        """The stream path on the same host, behind the same prefix as the webhook path.

        A proxy that serves ``/line1/voice/webhook`` for our ``/voice/webhook`` puts
        ``/line1`` before everything; from any other path no prefix can be told.
        """
        scheme = "wss" if self._url.secure else "ws"
        path = self._url.path
        prefix = path.removesuffix(self._webhook_path) if self._webhook_path else path
        if prefix == path and self._webhook_path:
            prefix = ""
        return f"{scheme}://{self._url.authority}{prefix}{self._stream_path}"
