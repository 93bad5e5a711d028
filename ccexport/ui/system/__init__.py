"""The System page: status, suppression list, audit, notices, the refresh, and erasing a person."""
