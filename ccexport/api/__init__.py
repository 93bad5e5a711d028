"""The HTTP interface `/api/v1`: the use cases for other programs, with the rights of their tokens (docs/api.md)."""
