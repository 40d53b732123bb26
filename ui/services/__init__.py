"""Services: what several views share: caches, predictions, networks, jobs."""
