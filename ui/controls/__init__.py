"""Controls: pickers of runs and networks, and offers to predict."""
