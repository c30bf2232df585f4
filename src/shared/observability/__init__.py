"""Observability: counters and durations of a process, gauges of state that all processes share, traces."""
