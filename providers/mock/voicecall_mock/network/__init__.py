"""What is on the other side of the wire? A phone network with phones, simulated."""
