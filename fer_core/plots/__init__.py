"""Plots: data in, plotly figure or picture out; nothing is computed here that a page could not leave out."""
