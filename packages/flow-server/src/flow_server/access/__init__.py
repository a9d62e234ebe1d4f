"""Who asks: grants from a file, opaque tokens, JWTs of clusters, and the gate around the application."""
