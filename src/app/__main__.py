"""`python -m app` is the command `trackers`."""

import sys


def main() -> None:
    """Run the command. For a health check, import only what it needs."""
    if sys.argv[1:2] == ["health"]:
        from app.probe import health  # noqa: PLC0415 -- without the rest of the app

        health(sys.argv[2:], prog_name="trackers health")
    else:
        from app.cli import main as command  # noqa: PLC0415 -- the import takes seconds

        command(prog_name="trackers")


if __name__ == "__main__":
    main()
