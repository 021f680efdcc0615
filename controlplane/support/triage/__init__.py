"""How tickets are sorted: plain scikit-learn, without Django, so that it can be measured alone."""
