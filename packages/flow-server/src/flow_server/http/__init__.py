"""The HTTP side: one small module per endpoint, over one hub."""
