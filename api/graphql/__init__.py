"""GraphQL: what people and programs ask, one schema over the read models, the log and every command."""
