"""Values that cross boundaries: frozen, slotted, keyword-only, standard library only."""
