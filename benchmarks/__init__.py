"""Speed against floors and peers, measured side by side in one run. docs/performance.md has a run and what it means."""
