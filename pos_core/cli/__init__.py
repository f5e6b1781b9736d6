"""The command line `pos`."""
