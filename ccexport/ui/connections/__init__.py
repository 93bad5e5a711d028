"""The Connections page: the list, the steps of connecting, and the actions."""
