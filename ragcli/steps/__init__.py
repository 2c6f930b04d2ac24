"""The steps: values in, values out. No file, no clock, no library."""
