"""The charts that pages share."""
