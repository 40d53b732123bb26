"""What the pages share of Streamlit: set-up and menu, the selection in the URL, caches by name, and components of our own."""
