"""Refused input of a person, with a sentence that pages show in their language."""


class NotAccepted(Exception):
    """Something that a person sent is not accepted; nothing of it was stored.

    Args:
        sentence: The problem and the next step, in English; pages translate it.
        status: HTTP status of the page, from 400 to 429.
        **values: Fields of the sentence.

    >>> str(NotAccepted("At most {most} characters fit.", most="2,000"))
    'At most 2,000 characters fit.'
    """

    def __init__(self, sentence: str, status: int = 422, **values: str) -> None:
        super().__init__(sentence.format(**values) if values else sentence)
        self.sentence = sentence
        self.status = status
        self.values = values


class ConsentChanged(NotAccepted):
    """The person agreed to an older version of the consent text."""

    def __init__(self) -> None:
        super().__init__("The text that you agree to has changed. Please read it again.", 409)


class SessionNeeded(NotAccepted):
    """Nobody is signed in on this device, or the session has expired."""

    def __init__(self) -> None:
        super().__init__("Please enter your key first.", 401)
