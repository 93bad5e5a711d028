"""`python -m benchmarks`: every budget of docs/design.md section 6, measured here and now.

`python -m benchmarks chaos` kills processes at random instead.
"""

import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent


def main() -> None:
    """Planning, the whole way of a million, then the dashboard; or what is named."""
    if sys.argv[1:2] == ["chaos"]:
        from benchmarks.chaos import main as chaos

        chaos(sys.argv[2:])
        return
    for name, arguments in (("plan.py", sys.argv[1:]), ("runs.py", []), ("dashboard.py", [])):
        sys.stdout.write(f"\n== {name} ==\n")
        sys.stdout.flush()
        subprocess.run([sys.executable, HERE / name, *arguments], check=True, env=_environment())


def _environment() -> dict[str, str]:
    import os

    return os.environ | {"PYTHONPATH": str(HERE.parent)}


if __name__ == "__main__":
    main()
