"""Parking out of events: stays, occupancy, overstays. Arrays in, arrays out (docs/decisions/010-parking.md).

The arrays (`arrays`): ``Events`` and ``Links`` with the ``BayTable`` go into `stays.run`, which gives ``Spans`` (all
time of all bays), ``Stays``, the ``Carry`` that the next span begins with, and ``Counts`` of what was met. `hours`
compiles restrictions to ``Hours``, ``Closed`` is when a bay is suspended or has a permit: `overstays` compares both
with stays, `occupancy` sums spans by quarter hour.
"""
