"""Shell: the frame of every page: menu, breadcrumb, tour, bookmarks."""
