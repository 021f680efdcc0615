"""n8n's workflow JSON, without Django: reading, comparing, merging, drawing and importing it.

docs/workflows.md shows how the modules are called; each has one public function or two.
"""
