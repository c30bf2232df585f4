"""`python -m app` is the command `trackers`."""

from app.cli import main

main(prog_name="trackers")
