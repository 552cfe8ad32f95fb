"""What does it all cost? ``python -m bench`` runs every bench, one after the other.

``python -m bench calls_bench --calls 50`` runs one, with its own options. Exit code 1 when one
that has a limit is above it.
"""

from __future__ import annotations

import subprocess
import sys

from bench.processes import ROOT

BENCHES = ("cli_startup", "store_bench", "calls_bench", "turns_bench")


def run(name: str, *options: str) -> int:
    """The exit code of a bench, in a process of its own so that none warms another's caches."""
    print(f"== {name}", flush=True)
    return subprocess.run([sys.executable, "-m", f"bench.{name}", *options], cwd=ROOT).returncode


def main(arguments: list[str]) -> int:
    """Run what `arguments` name, or all."""
    if not arguments:
        return max(run(name) for name in BENCHES)
    name, *options = arguments
    if name not in BENCHES:
        print(f"no bench {name!r}; there are: {', '.join(BENCHES)}", file=sys.stderr)
        return 2
    return run(name, *options)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
