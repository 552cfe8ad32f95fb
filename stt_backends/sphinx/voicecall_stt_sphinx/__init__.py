"""Offline recognition of expected phrases with pocketsphinx."""
