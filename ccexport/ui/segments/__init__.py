"""The Segments page: the list, the form with its rule editor, and what one segment is looked at by."""
