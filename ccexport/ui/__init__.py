"""The dashboard: router, sign-in, routes and the parts of pages. Must never hold a business rule."""
