"""From the broker to the store: receive, decode, check, write, commit, acknowledge."""
