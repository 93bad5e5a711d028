"""CSV cells of plans use the same escaping as `profiles.csv_cells`. Must never have a rule of its own."""

from ccexport.profiles.csv_cells import csv_cell_sql, csv_line

__all__ = ["csv_cell_sql", "csv_line"]
