"""The bot as a process that is killed, frozen and lied to, between a workspace and a model that answer the same each time."""
