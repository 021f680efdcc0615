"""How allauth behaves here: nobody signs up alone, and people come in at a host they belong to."""
