"""The parts of the load script: a model, readers of all kinds, and what is watched meanwhile."""
