"""The one error of the contract, and how a client's text may stand in it."""

SHOWN_CHARACTERS = 256
"""Most characters of a client's text in an error or a log line."""


class ContractError(ValueError):
    """A body that breaks the contract; nothing of it may be applied.

    `path` names the offending value (`$.nodes[3].status`; in a batch `$[2].nodes[0].id`; `$` for the body
    as a whole), `problem` says what was expected, `found` what was there, `None` where nothing was. All three
    are printable ASCII of bounded length, whatever the body.
    """

    def __init__(self, *, path: str, problem: str, found: str | None = None) -> None:
        """Keep the parts as attributes; the text is made of them."""
        super().__init__(f"{path}: {problem}" + (f", found {found}" if found else ""))
        self.path = path
        self.problem = problem
        self.found = found


def shown(value: str, *, limit: int = SHOWN_CHARACTERS) -> str:
    """A client's text as it may stand in an error or a log line: escaped, quoted, cut after `limit`."""
    return '"' + escaped(value, limit=limit).replace('"', '\\"') + '"'


def escaped(value: str, *, limit: int = SHOWN_CHARACTERS) -> str:
    """The text in printable ASCII, without quotes around it, cut after `limit` of its characters."""
    cut = value if len(value) <= limit else value[:limit] + "..."
    return cut.encode("unicode_escape").decode("ascii")
