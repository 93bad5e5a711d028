"""The Segments page: the list, the form with its rule editor, and the views of one segment."""
