"""One file a figure; each draws from the records of a run directory and from nothing else."""
