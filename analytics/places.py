"""Places of a borough in metres, for whatever asks how far apart they are: homes, bays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64 = NDArray[np.float64]

# WGS 84: half the equator [m], eccentricity squared
_EQUATOR, _ECCENTRICITY = 6_378_137.0, 6.694379990141317e-3


def metres(lon: Float64, lat: Float64) -> tuple[Float64, Float64]:
    """Metres east and north of the middle of these places [degrees, WGS 84], ``(places,)`` each.

    An equirectangular projection with the earth's two radii at the middle: within a borough (50 km) distances are
    right to some thousandths. The middle is the median, which one wrong place does not move.
    Raises ValueError on a place that is none.
    """
    lon, lat = np.asarray(lon, np.float64), np.asarray(lat, np.float64)
    if not len(lon):
        return np.empty(0), np.empty(0)
    if not (np.isfinite(lon).all() and np.isfinite(lat).all()):
        raise ValueError("every place needs a longitude and a latitude")
    lon0, lat0 = np.median(lon), np.median(lat)
    flat = 1 - _ECCENTRICITY * np.sin(np.radians(lat0)) ** 2
    east = _EQUATOR / np.sqrt(flat) * np.cos(np.radians(lat0))
    north = _EQUATOR * (1 - _ECCENTRICITY) / flat**1.5
    return np.radians(lon - lon0) * east, np.radians(lat - lat0) * north
