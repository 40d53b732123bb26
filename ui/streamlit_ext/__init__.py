"""What Streamlit lacks, and the patches that it needs."""
