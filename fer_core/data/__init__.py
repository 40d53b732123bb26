"""Data sets: faces in splits, read from any form of FER2013, their copies, and what augmentation makes of them."""

from fer_core.data.dataset import NOTES, find, read, write_csv, write_submission
from fer_core.data.splits import Copies, Dataset, Split, copies, counts

__all__ = ["NOTES", "Copies", "Dataset", "Split", "copies", "counts", "find", "read", "write_csv", "write_submission"]
