"""The pure core: fold, ring, resume, frames.

Nothing here is async, looks at a clock, draws a random number, reads the environment or logs.
"""
