"""The GraphQL surface: queries, mutations, subscriptions."""
