"""The Connections page: the list, the steps to one, and what may be done with it."""
