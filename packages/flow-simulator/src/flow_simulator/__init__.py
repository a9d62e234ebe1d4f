"""A Kubernetes API with a Flux in it, for the demo, the tests and the benchmarks; never released."""
