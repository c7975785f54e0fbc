"""Ask a vulnerability service about an environment's packages: audit.py PIP_AUDIT PYTHON.

Exits with 1 where a vulnerability is known, and with 0 where none is or where nobody could be
asked, which it says: what was not checked is not said to be well.
"""

import json
import os
import subprocess
import sys
from typing import Any


def main() -> int:
    """Return the exit status."""
    audit, python = sys.argv[1:3]
    done = subprocess.run(
        [audit, "--format", "json", "--progress-spinner", "off", "--local"],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PIPAPI_PYTHON_LOCATION": python},
    )
    try:
        listed: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError):
        print(
            f"not checked: the vulnerability service is unreachable\n{done.stderr[-400:].strip()}"
        )
        return 0
    checked = [each for each in listed if "vulns" in each]
    bad = [each for each in checked if each["vulns"]]
    for each in bad:
        told = ", ".join(vulnerability["id"] for vulnerability in each["vulns"])
        print(f"{each['name']} {each['version']}: {told}")
    skipped = len(listed) - len(checked)
    if not checked:
        print(f"not checked: the vulnerability service knows none of {skipped} packages")
        return 0
    print(f"{len(checked)} packages checked, {skipped} not known there, {len(bad)} vulnerable")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
