"""The timeline: one row per event worth showing in words, never changed."""
