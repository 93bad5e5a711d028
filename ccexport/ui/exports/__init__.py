"""The Exports page: the list, the form, the preview and Run export."""
