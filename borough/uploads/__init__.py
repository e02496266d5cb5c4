"""Files from a browser: what they are by their bytes, and what the replay reads in them, in a process of its own."""
