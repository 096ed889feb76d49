"""Batch review: recorded calls in, judged calls and their report out."""
