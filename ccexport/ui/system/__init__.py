"""The System page: what is kept, notices, the refresh, and erasing a person."""
