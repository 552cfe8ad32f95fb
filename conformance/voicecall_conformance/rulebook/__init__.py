"""What does each rule say? One module a group of areas; `requirements` has them all."""
