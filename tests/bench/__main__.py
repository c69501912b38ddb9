"""`python -m tests.bench logs`, and so on: one module for each."""

import importlib
import pkgutil
import sys

import tests.bench


def main() -> int:
    """Run the named measurement with the arguments that follow."""
    names = sorted(m.name for m in pkgutil.iter_modules(tests.bench.__path__) if not m.name.startswith("_"))
    if len(sys.argv) < 2 or sys.argv[1] not in names:
        print(f"usage: python -m tests.bench {{{','.join(names)}}} [arguments]", file=sys.stderr)
        return 2
    return int(importlib.import_module(f"tests.bench.{sys.argv[1]}").main(sys.argv[2:]) or 0)


if __name__ == "__main__":
    sys.exit(main())
