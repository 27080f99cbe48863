"""Synthetic chest radiographs in the layout of the NIH release; none of them shows a person."""
