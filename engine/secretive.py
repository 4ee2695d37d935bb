"""Data that holds secrets, and does not show them where it is printed."""


class Secretive:
    """To be named before `Struct`: only the type is shown, in tracebacks and everywhere else."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}>"
