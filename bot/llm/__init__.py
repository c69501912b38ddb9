"""The port `Model`: pure encoders for two HTTP APIs of language models, and the client that sends their requests."""
