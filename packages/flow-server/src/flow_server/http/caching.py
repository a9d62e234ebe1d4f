"""What caches are told. Source: RFC 9111."""

DATA_HEADERS = {"Cache-Control": "no-store", "Vary": "Authorization"}
"""Headers of every answer with data, or about who may have it: no cache keeps it, for anybody."""
