"""`python -m clrx` is `clrx`."""

from clrx.cli.main import main

main()
