"""clrx: a laboratory bench for learning-rate policies on image classifiers."""

__version__ = "0.1.0"
