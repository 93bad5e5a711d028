"""ccexport: segments of customer profiles onto Constant Contact lists, shown before, proved after."""

__version__ = "0.1.0"
