"""Pages of parking operations: the board, the queue of overstays, patterns, health, and a screen for the wall."""
