"""Annotations: what a person says: reviews of labels, bookmarks, the choice of faces."""
