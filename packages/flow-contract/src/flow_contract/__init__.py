"""The wire contract of openova-flow: what emitters send, servers keep and readers get."""

from flow_contract.codec import decode_batch, decode_message, encode_message
from flow_contract.error import ContractError, shown
from flow_contract.ids import has_control_character, ids_of
from flow_contract.messages import (
    MESSAGE_TYPES,
    DeleteNodes,
    DeleteRels,
    FlowMessage,
    Snapshot,
    UpsertFlow,
    UpsertNodes,
    UpsertRels,
)
from flow_contract.objects import (
    UNSAFE_INTEGER,
    FlowInstance,
    FlowNode,
    NodeKey,
    Relationship,
    RelationshipKey,
    RelationshipPair,
    Trigger,
)
from flow_contract.rollup import rollup
from flow_contract.well_formed import NESTING_LIMIT

SCHEMA_VERSION = 1
"""Version of the wire contract; moves apart from the package's own version."""

__all__ = [
    "MESSAGE_TYPES",
    "NESTING_LIMIT",
    "SCHEMA_VERSION",
    "UNSAFE_INTEGER",
    "ContractError",
    "DeleteNodes",
    "DeleteRels",
    "FlowInstance",
    "FlowMessage",
    "FlowNode",
    "NodeKey",
    "Relationship",
    "RelationshipKey",
    "RelationshipPair",
    "Snapshot",
    "Trigger",
    "UpsertFlow",
    "UpsertNodes",
    "UpsertRels",
    "decode_batch",
    "decode_message",
    "encode_message",
    "has_control_character",
    "ids_of",
    "rollup",
    "shown",
]
