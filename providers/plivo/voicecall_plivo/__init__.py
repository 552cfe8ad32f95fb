"""How does voicecall use Plivo? REST orders, XML documents, signed callbacks, audio streams."""
