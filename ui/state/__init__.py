"""State: the selection of the whole app, which lives in the URL, and widgets bound to it."""
