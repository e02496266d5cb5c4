"""Several boroughs: a task over their installations by Dask, and one borough's comparisons over groups of cells."""
