"""The page Try a photo."""
