"""How does Plivo itself sign, and read what we send? For doubles; strict where Plivo is."""
