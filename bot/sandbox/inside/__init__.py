"""What runs inside the sandbox, or sets it up from within, on the standard library alone."""
