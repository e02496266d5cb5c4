"""What leaves for anybody: snapshots of open data, and observations told at the broker as they are stored."""
