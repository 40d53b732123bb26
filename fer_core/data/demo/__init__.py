"""The demo faces, drawn by a program."""
