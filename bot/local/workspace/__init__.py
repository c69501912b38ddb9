"""The stand-in for Slack: a workspace of its own, with a page."""
