"""Pages for people, served from the package itself: nothing is fetched from elsewhere."""
