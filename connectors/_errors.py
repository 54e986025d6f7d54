"""What can go wrong with a source, sorted by what to do about it.

SourceError
├── SourceUnavailable   for now: try again later, nothing to change
├── SourceRefused       a person must act: a key, a permission, a row of a CSV
└── SourceChanged       a developer must act: the source no longer answers in the shape we know
"""

LATER = "It is tried again with the next run."


class SourceError(Exception):
    """A source could not be read. The message says what was asked, what came back and who must act."""


class SourceUnavailable(SourceError):
    """The source did not answer or was busy. Trying again later helps."""


class SourceRefused(SourceError):
    """The source said no. Trying again does not help until a person changes something."""


class SourceChanged(SourceError):
    """The source answered in a shape that this version does not know. A developer must look."""
