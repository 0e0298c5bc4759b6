"""``python -m bayeslaw``: the command line."""

from bayeslaw.cli import main

if __name__ == "__main__":
    main()
