"""The decision in production: new inputs, answered the way they were measured, without scores."""
