"""What the recipes of NetBSD and FreeBSD share: sources, kernel configuration, init."""
