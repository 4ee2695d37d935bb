"""How GitHub holds a number, and how it writes one as text."""

from __future__ import annotations

import math


def as_double(value: float) -> float:
    """`value` as an IEEE double; integers beyond its range become infinite."""
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def number_text(value: float) -> str:
    """.NET's `G15`: what a number becomes where a string is wanted."""
    number = as_double(value)
    if math.isnan(number):
        return "NaN"
    if math.isinf(number):
        return "Infinity" if number > 0 else "-Infinity"
    return f"{number:.15G}" if number else "0"


def signed_32(digits: str, base: int) -> int | None:
    """Hexadecimal or octal digits read as a signed 32-bit integer; None where they don't fit."""
    digits = digits.lstrip("0") or "0"
    number = int(digits, base) if len(digits) <= 11 else 1 << 32
    if number > 0xFFFFFFFF:
        return None
    return number - (1 << 32) if number > 0x7FFFFFFF else number
