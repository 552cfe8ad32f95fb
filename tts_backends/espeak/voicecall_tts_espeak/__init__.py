"""Offline text to speech with espeak-ng. GPL-3.0-or-later."""
