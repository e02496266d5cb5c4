"""One borough's command: ``python -m borough.fleet.child analyse`` is ``borough analyse``, whose status tells whether
waiting may mend it."""

from __future__ import annotations

import sys

from borough.cli import run
from borough.fleet.errand import TEMPORARY
from borough.output import prepare


def main() -> int:
    """Run the command; its status."""
    prepare()
    return run(sys.argv[1:], temporary=TEMPORARY)


if __name__ == "__main__":
    sys.exit(main())
