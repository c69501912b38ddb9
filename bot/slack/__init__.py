"""Slack: payloads to requests, replies to messages, and the client between them."""
