"""The report: one HTML file of the published warehouse for leads and finance, that needs nothing from elsewhere.

A part of the page is two files in `exhibits/`: SQL that answers, and YAML that says how it is worded, listed and drawn.
`pages.py` puts them together; `page.js` chooses, sorts and writes what SQL has computed.
"""

from pipelines.report.pages import write_report

__all__ = ["write_report"]
