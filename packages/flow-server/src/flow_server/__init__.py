"""The flow server: routes flow messages from emitters to readers, and serves the canvas."""
