"""The members of the group chat, the gate between them and the user, and every phrase that a model reads."""
