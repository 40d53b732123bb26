"""FER Lens: the overview, and the first page."""

import numpy as np
import plotly.graph_objects as go
import streamlit as st

from ui import page
from ui.chart import chart
from ui.gallery import gallery

page.setup("app.py")
page.header("Overview", "Nothing here yet.", "about")
chart(go.Figure(go.Bar(x=["a", "b"], y=[3, 5])), "curves", on_pick=lambda p: st.session_state.update(p=p))
st.write(st.session_state.get("p"))
gallery(np.random.default_rng(0).integers(0, 255, (45, 48, 48)).astype(np.uint8), "gallery", captions=[f"face {i}" for i in range(45)],
        on_pick=lambda i: st.session_state.update(i=i), selected=st.session_state.get("i"))
st.write(st.session_state.get("i"))
