"""The shell for questions."""
