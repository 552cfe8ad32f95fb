"""How are phone calls made over Telnyx? Call Control v2, as a voicecall provider."""
