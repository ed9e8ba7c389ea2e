"""What runs inside the steps of NetBSD's recipe."""
