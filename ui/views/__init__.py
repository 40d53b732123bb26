"""Views: one folder a page; none imports another."""
