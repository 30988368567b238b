"""The embedded model: fetch its weights once, serve them on loopback with llama.cpp."""
