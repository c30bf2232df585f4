"""`python -m app` is the command `trackers`."""

import sys


def main() -> None:
    """The command; of a health check no more is loaded than it needs."""
    if sys.argv[1:2] == ["health"]:
        from app.probe import health  # noqa: PLC0415 -- or nothing of the rest

        health(sys.argv[2:], prog_name="trackers health")
    else:
        from app.cli import main as command  # noqa: PLC0415 -- takes seconds

        command(prog_name="trackers")


if __name__ == "__main__":
    main()
