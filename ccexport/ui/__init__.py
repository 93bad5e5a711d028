"""The browser face: router, sign-in, routes, panels. Must never hold a business rule."""
