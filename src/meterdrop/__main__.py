"""`python -m meterdrop` is `meterdrop`."""

from meterdrop.cli import main

main()
