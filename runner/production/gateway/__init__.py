"""A decision behind an OpenAI-compatible address: litellm's proxy, configured from a job."""
