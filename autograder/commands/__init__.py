"""The verbs of the command line, one module each: `add` its arguments, `run` it."""
