"""Count the words of a text."""

import re
import sys
from collections import Counter


def tally(text):
    """The words of a text and how often each occurs: the most frequent first, then by name."""
    counts = Counter(re.findall(r"[a-z']+", text.lower()))
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))


def main():
    """Print the words of standard input, one a line."""
    for word, count in tally(sys.stdin.read()):
        print(f"{count}\t{word}")
