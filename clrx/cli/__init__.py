"""The command line: commands, help, completion, exit codes."""
