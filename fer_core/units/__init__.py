"""Units: what a filter or neuron answers to, what it is good for, and what the network is without it."""
