"""``python -m borough`` is the command ``borough``."""

from borough.cli import main

if __name__ == "__main__":
    main()
