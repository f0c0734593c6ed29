"""The command line: one file per command in `commands/`, and shared options, output, progress and errors."""
