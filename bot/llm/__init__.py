"""The language model behind the port `Model`: pure encoders for two wires, and the client that speaks them."""
