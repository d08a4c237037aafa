"""The command line: one verb a line, all printing in one file."""
