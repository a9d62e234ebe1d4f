"""uvicorn as this server needs it: a clean stop, and bounds that it does not have by itself."""
