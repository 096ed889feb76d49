"""One live call: text to hits, hits to advice. Pure and synchronous; time is an argument."""
