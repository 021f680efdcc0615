"""From a file to canonical text and passages with exact spans."""
