"""`python -m engine` is the command `runwright`."""

from engine.cli import main

main()
