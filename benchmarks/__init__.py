"""Ratios measured side by side in one run: every value stands beside its floor, taken in turns, as medians."""
