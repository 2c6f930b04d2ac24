"""The machine: each module wraps one library and fits one port. Nothing is imported before it is needed."""
