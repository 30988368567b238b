"""What lies on disk: outcomes, journals and run directories, written and read in one place."""
