"""Where do the gateway's public URLs lead? To its listener on loopback, as a tunnel would."""

from __future__ import annotations

from urllib.parse import urlsplit, urlunsplit


class Reach:
    """A tunnel: whoever asks for a public URL comes to a listener on this machine.

    Signatures cover the public URL; path and query pass through untouched.
    """

    def __init__(self) -> None:
        self._listener: tuple[str, int] | None = None

    def lead_to(self, host: str, port: int) -> None:
        """From now on every public URL leads there."""
        self._listener = (host, port)

    @property
    def listener(self) -> tuple[str, int]:
        """Host and port.

        Raises:
            LookupError: nobody has said where the gateway listens.
        """
        if self._listener is None:
            raise LookupError("the network does not know the gateway; call `connect` first")
        return self._listener

    def request_to(self, url: str) -> tuple[str, str]:
        """What to send a request for `url` to, and its ``Host`` header; no fragment is sent."""
        parts = urlsplit(url)
        host, port = self.listener
        return urlunsplit(("http", f"{host}:{port}", parts.path, parts.query, "")), parts.netloc

    def socket_to(self, url: str) -> str:
        """The handshake's URL for the media socket `url`: its host, without TLS."""
        parts = urlsplit(url)
        return urlunsplit(("ws", parts.netloc, parts.path, parts.query, ""))
