"""Readers of recorded calls in whatever form a center already has them."""
