"""The page: `ui` puts the tabs together, `page` is what they share, each tab is a file."""
