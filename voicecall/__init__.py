"""A phone line for programs and AI agents, from one JSON5 file."""

__version__ = "0.1.0"
