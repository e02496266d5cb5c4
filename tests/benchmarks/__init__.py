"""Speed and memory, all figures of one table in one run on one machine: ``make bench``."""
