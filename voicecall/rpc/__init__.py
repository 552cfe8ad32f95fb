"""The remote doors: one table of methods, its wire forms, and who may knock."""
