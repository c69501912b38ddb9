"""What runs inside the sandbox, or sets it up from within: the standard library alone."""
