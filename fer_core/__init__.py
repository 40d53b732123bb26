"""FER Lens' engine: data, models, training, evaluation and explanations of facial-expression classifiers. No Streamlit."""

import os

# TensorFlow leaves oneDNN off on processors without AVX-512, where its convolutions train the CNN twice as fast all the same.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
