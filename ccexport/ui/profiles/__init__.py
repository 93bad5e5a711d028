"""The Profiles page: browsing, one profile, files and named sources."""
