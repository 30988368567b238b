"""What one has elsewhere, made into a task: configs of other tools, exports, traces, tables."""
