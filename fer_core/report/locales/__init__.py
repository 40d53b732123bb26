"""The sentences of the report, one file a language."""
