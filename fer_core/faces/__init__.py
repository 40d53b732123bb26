"""Faces in photos: decoding, detection of faces and eyes, regions of a face."""
