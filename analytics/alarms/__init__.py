"""Alarms of the system itself: which rules there are, when their conditions hold, what begins and ends."""
