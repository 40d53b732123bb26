"""Attribution: which pixels of a face speak for a class, how far such a map can be trusted, and where on the face it lies."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
