"""What the lab raises."""

from __future__ import annotations


class LabError(Exception):
    """Something the lab cannot do, and how to get it done.

    :param message: what is wrong
    :param fix: what the reader can do about it; may be empty
    """

    def __init__(self, message: str, fix: str = "") -> None:
        super().__init__(f"{message}\n  fix: {fix}" if fix else message)
        self.message = message
        self.fix = fix
