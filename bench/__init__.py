"""Figures about Pergola, measured on real data: `make bench NAME=invoices`."""
