"""Open data for anybody: exports, their catalogue, snapshots and what was revised."""
