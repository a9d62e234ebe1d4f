"""The charts and the bootstrap slots, rendered with real Helm and held against what they promise."""
