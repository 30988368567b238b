"""What a request, a run and a month cost, before any is sent."""
