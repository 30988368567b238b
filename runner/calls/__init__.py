"""One question to one or more models: route chooses, ask asks, dispatch sends and pays."""
