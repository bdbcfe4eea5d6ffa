"""What a study keeps when its server is killed or the power fails."""
