"""Release: what is given away of a run, and the card that goes with it."""
