"""`flow-demo`: a server, three simulated regions and their adapters, and a bootstrap to look at."""

from flow_simulator.demo.play import main

__all__ = ["main"]
