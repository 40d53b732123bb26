"""The report of a run: five questions answered from findings, as one HTML file that needs nothing else. Same findings, same bytes."""

from fer_core.report.document import ADDRESS, command, heading, html, lack
from fer_core.report.findings import Findings, gather, known, without_faces
from fer_core.report.formatting import LANGUAGES, NAMES
from fer_core.report.pinned import Pinned, show

__all__ = ["ADDRESS", "LANGUAGES", "NAMES", "Findings", "Pinned", "command", "gather", "heading", "html", "known", "lack", "show",
           "without_faces"]
