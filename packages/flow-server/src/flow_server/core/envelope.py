"""A message with its sequence and time of receipt, as a log keeps it."""

import msgspec
from msgspec import Struct

from flow_contract import FlowMessage

_TYPE_STARTS = len(b'{"type":"')

decode_own = msgspec.json.Decoder(FlowMessage).decode
"""The message in JSON that `encode_message` wrote: the contract was checked before it was."""


class Envelope(Struct, frozen=True, kw_only=True):
    """One message of a flow's log. `encoded` is its JSON as `encode_message` writes it."""

    sequence: int
    at_ms: int
    """When the server took it in, Unix milliseconds."""
    encoded: bytes
    message: FlowMessage | None = None
    """The message itself; `None` when the envelope was read from a log and nobody needed it yet."""

    @property
    def type(self) -> bytes:
        """The message's `type`, read from the JSON, which always begins with it."""
        return self.encoded[_TYPE_STARTS : self.encoded.index(b'"', _TYPE_STARTS)]

    def decoded(self) -> FlowMessage:
        """The message, decoded now if it was not before."""
        return self.message or decode_own(self.encoded)
