"""Movement in homes: what is usual in each, when it is quiet for longer, and what an assessment reads."""
