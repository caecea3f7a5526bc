"""The report of a log: one document, as a page for people, as JSON and as Markdown."""
