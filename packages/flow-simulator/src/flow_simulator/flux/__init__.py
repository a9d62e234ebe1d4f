"""A Flux that installs the bootstrap graph: pure in virtual time, and a driver that plays it on a cluster."""
