"""Sends the outbox to the flow server and heals by comparing: the only package that knows httpx."""

from flow_adapter_flux.emitter.loop import Emitter
from flow_adapter_flux.emitter.server import FlowServer

__all__ = ["Emitter", "FlowServer"]
