"""Dataset: what the faces are."""
from ui import page

page.setup("pages/dataset.py")
