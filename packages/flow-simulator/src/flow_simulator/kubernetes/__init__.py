"""A Kubernetes API that speaks the wire protocol, with faults to be had on demand."""

from flow_simulator.kubernetes.cluster import SimulatedCluster
from flow_simulator.kubernetes.resources import HELM_CHARTS, HELM_RELEASES, LEASES

__all__ = ["HELM_CHARTS", "HELM_RELEASES", "LEASES", "SimulatedCluster"]
