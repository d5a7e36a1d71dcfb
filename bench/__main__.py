"""`python -m bench [NAME ...]`: the benchmarks with these names, or all of them, one after the other."""

import subprocess
import sys
from pathlib import Path

NAMES = sorted(path.stem for path in Path(__file__).parent.glob("[!_]*.py"))


def main():
    unknown = set(sys.argv[1:]) - set(NAMES)
    if unknown:
        sys.exit(f"there is no benchmark {', '.join(sorted(unknown))}; there is {', '.join(NAMES)}")
    codes = {}
    for name in sys.argv[1:] or NAMES:
        print(f"== {name}", flush=True)
        codes[name] = subprocess.call([sys.executable, "-m", f"bench.{name}"])
    if any(codes.values()):
        sys.exit(f"failed: {', '.join(name for name, code in codes.items() if code)}")


if __name__ == "__main__":
    main()
