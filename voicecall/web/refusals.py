"""How many requests does a listener refuse, and with which status?"""

from __future__ import annotations

from collections import Counter

from voicecall.web.asgi import AsgiApp, Message, Receive, Scope, Send

FIRST_REFUSAL = 400


class Refusals:
    """Counts the answers of an app that are errors, whoever in it gives them."""

    def __init__(self) -> None:
        self.by_status: Counter[int] = Counter()

    def around(self, app: AsgiApp) -> AsgiApp:
        """`app`, counted. Handshakes of WebSockets are not."""

        async def counted(scope: Scope, receive: Receive, send: Send) -> None:
            async def sending(message: Message) -> None:
                if message["type"] == "http.response.start" and message["status"] >= FIRST_REFUSAL:
                    self.by_status[message["status"]] += 1
                await send(message)

            await app(scope, receive, sending if scope["type"] == "http" else send)

        return counted
