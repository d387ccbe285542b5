"""The roster of servers: who is there, who is well, and what became of the others."""
