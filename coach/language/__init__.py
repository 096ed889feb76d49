"""What was said: normalised text, tokens, patterns, sounds. Pure; no I/O after loading."""
