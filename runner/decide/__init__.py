"""From numbers to a decision: what to measure, to ship and to pay, and whether it still holds."""
