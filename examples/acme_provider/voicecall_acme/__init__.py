"""Acme Telephone for voicecall."""
