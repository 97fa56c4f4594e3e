"""The command line: parses words, calls operations, prints answers."""
