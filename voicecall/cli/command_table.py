"""Which commands are there? Their names, where each lives, and one line of help."""

from __future__ import annotations

COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("init", "write a configuration to start from"),
    "serve": ("serve", "run the gateway until SIGTERM"),
    "reload": ("reload", "put the changed configuration into force, for the calls to come"),
    "call": ("call", "call somebody, say a message and follow the call"),
    "start": ("start", "place a call to a number and follow it"),
    "continue": ("continue_call", "say something on a call and print the answer"),
    "speak": ("speak", "say something on a call"),
    "dtmf": ("dtmf", "press keys on a call"),
    "end": ("end", "hang up"),
    "status": ("status", "look at one call, or at all live ones"),
    "policy": ("policy", "what would become of calls to a number and from it, and why"),
    "do-not-call": ("do_not_call", "the numbers that are not called: list, add, remove"),
    "pairing": ("pairing", "strangers who were told a code: list, approve, revoke"),
    "tail": ("tail", "print calls as they are written"),
    "latency": ("latency", "how long callers waited for answers"),
    "setup": ("setup", "is everything ready for a call? Asks the carrier, changes nothing"),
    "smoke": ("smoke", "as setup; with --yes a test call, too"),
    "expose": ("expose", "make the webhook reachable by hand, or take that away"),
    "doctor": ("doctor", "find what is wrong, and with --fix repair what can be repaired"),
    "plugins": ("plugins", "what is installed, and what is broken; install, uninstall"),
    "config": ("config", "check, show or explain the configuration"),
    "mcp": ("mcp", "an MCP server on stdin and stdout, in front of the running gateway"),
    "tool-schema": ("tool_schema", "the definition of the agent tool voice_call"),
    "schema": ("schema", "the JSON Schema of what commands print with --json"),
    "service": ("service", "print a systemd unit that runs the gateway"),
    "completion": ("completion", "print what makes a shell complete our commands"),
    "version": ("version", "print the version"),
}
"""Command → (module in `voicecall.cli.commands`, help)."""


def overview() -> str:
    """The text of `voicecall --help`."""
    width = max(len(name) for name in COMMANDS)
    lines = [f"  {name.ljust(width)}  {summary}" for name, (_, summary) in COMMANDS.items()]
    return "\n".join(
        [
            "usage: voicecall [--json] [--config PATH] [--url URL] COMMAND ...",
            "",
            "A phone line for programs and AI agents, from one JSON5 file.",
            "",
            "commands:",
            *lines,
            "",
            "'voicecall COMMAND --help' tells more. Plugins add commands of their own;",
            "'voicecall plugins list' names them.",
        ]
    )
