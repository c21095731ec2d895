"""What can be wrong with this server itself, as sentences for the person who starts it.

Law of this file: only what ends or prevents serving. What is said to a client is a `Refusal`.
"""


class LocalServerError(Exception):
    """What all errors of this room are."""


class OptionError(LocalServerError):
    """A knob was misspelt or holds an impossible value."""


class HostRefused(LocalServerError):
    """Somebody wanted this server to listen beyond loopback, and did not say it twice."""


class EarsMissing(LocalServerError):
    """Voice activity or recognition is not installed."""


class VoiceMissing(LocalServerError):
    """No program that speaks is installed."""


class RecognitionFailed(LocalServerError):
    """The recogniser could not listen to one utterance."""


class SpeechFailed(LocalServerError):
    """The program that speaks could not say one sentence."""
