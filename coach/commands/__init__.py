"""The subcommands of `coach`, one module each."""
