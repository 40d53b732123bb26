"""The page Confusion matrix."""
