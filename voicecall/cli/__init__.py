"""The command line. Light: what a thin client does not need is imported where it is used."""
