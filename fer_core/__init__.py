"""FER Lens' engine: data, models, training, evaluation and explanations of facial-expression classifiers. No Streamlit."""
