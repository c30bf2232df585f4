"""What a process tells of itself: counters and durations, gauges of what all processes share, traces."""
