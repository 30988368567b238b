"""From a line of cases.jsonl to what a model is asked, and to what came of it."""
