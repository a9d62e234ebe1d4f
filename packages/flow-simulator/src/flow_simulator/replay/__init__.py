"""Replays recorded exchanges with a real API server against the simulated one, and says what differs."""
