"""The Flux adapter: mirrors one cluster's HelmReleases into a flow on a flow server."""
