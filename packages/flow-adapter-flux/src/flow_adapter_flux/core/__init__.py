"""What can be wrong in an interesting way: pure functions and plain state, from an object to a batch.

Nothing here is async, looks at a clock, draws a random number, reads the environment or logs.
"""
