"""What recipes share of what runs inside build steps; see `frameworks.steps`."""
