"""The one exception of the audit: something that cannot be read or was not understood (exit status 3)."""


class InputError(Exception):
    """Usage or input is wrong: `problem` says what, `where` is `FILE[:LINE[:COLUMN]]` or empty."""

    def __init__(self, problem: str, *, where: str = "") -> None:
        """Both become the exception's text."""
        super().__init__(f"{where}: {problem}" if where else problem)
        self.problem = problem
        self.where = where
