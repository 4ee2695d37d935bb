"""What each rule is about, in a sentence."""

from __future__ import annotations

# the rules of the rooms that read; docs/validation.md has the same table
ABOUT = {
    "alias": "An alias stands for an anchor before it, and not inside itself.",
    "context": "A key may ask only for the contexts and functions that GitHub has there.",
    "depth": "A file is nested no deeper than GitHub reads.",
    "duplicate-key": "A mapping has each key once, without regard to case.",
    "expression": "An expression can be parsed and its names and functions exist.",
    "file": "A file can be read.",
    "file-size": "A file is no larger than GitHub reads.",
    "id": "Ids of jobs and steps are well formed, and unique.",
    "needs": "Jobs need jobs that exist, and none waits for itself.",
    "retry": "What a retry looks for is a regular expression.",
    "schema": "A value has the shape that its key takes.",
    "superset": "Runwright's own keys stay out of files that GitHub reads.",
    "unknown-key": "A mapping has only keys that are known there.",
    "yaml": "A file is YAML as GitHub reads it.",
}
