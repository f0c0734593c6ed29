"""The command line: one file a command under `commands/`, over shared options, output, progress and errors."""
