"""The Kubernetes API over lightkube: the only package that knows lightkube and httpx2.

lightkube finds the configuration, signs requests and speaks Leases. Lists and watches are our own GETs over
its HTTP client: its watch has no bookmarks and no read timeout, and loses deletions after a 410.
"""

from flow_adapter_flux.kubernetes.connection import ConfigurationError, Connection
from flow_adapter_flux.kubernetes.failures import ApiFailure, Trouble

__all__ = ["ApiFailure", "ConfigurationError", "Connection", "Trouble"]
