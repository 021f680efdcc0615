"""How the portal shows an invoice: its terms, its sheet, where they stand, and its match."""
