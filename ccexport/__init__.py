"""ccexport: exports segments of customer profiles to Constant Contact lists, with a preview and a check after."""

__version__ = "0.1.0"
