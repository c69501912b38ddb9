"""What was said and done in a thread, and what follows from it."""
