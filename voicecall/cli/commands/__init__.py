"""One file a command: `arguments(parser)` says what it takes, `run(options)` does it."""
