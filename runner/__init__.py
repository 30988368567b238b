"""Choose, ship and keep the right language model: the model decision as code."""
