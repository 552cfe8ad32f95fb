"""How is an exposure proved? Beside a double of what makes us reachable, and by its traces."""
