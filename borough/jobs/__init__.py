"""Jobs: replays and simulations that workers take from the database and run (docs/decisions/011-engineers.md)."""
