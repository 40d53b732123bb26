"""Text: the reader's language, and how numbers, names and lists are written."""
