"""A code assistant that lives in Slack."""
