"""The store: requests and conversations in one SQLite file."""
