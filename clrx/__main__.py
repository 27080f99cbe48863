"""`python -m clrx` is `clrx`."""

from clrx.cli import main

main()
