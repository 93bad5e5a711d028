"""Write sample profiles: `python data/generate.py --profiles 20000 --out FILE.csv [--seed N]`.

A thin door to `ccexport.profiles.sample`, which the demo uses too.
"""

import argparse
import sys
from datetime import date
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ccexport.profiles.sample import SAMPLE_TODAY, write_profiles


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a CSV of invented profiles.")
    parser.add_argument("--profiles", type=int, default=20_000, help="how many rows")
    parser.add_argument("--out", type=Path, required=True, help="the CSV file to write")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same file")
    parser.add_argument(
        "--today", type=date.fromisoformat, default=SAMPLE_TODAY, help="dates reach up to this day"
    )
    given = parser.parse_args()
    given.out.parent.mkdir(parents=True, exist_ok=True)
    write_profiles(given.out, given.profiles, given.seed, given.today)
    sys.stderr.write(f"{given.profiles} profiles written to {given.out}\n")


if __name__ == "__main__":
    main()
