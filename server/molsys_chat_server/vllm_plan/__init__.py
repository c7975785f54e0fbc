"""What a model needs on a graphics card, worked out before vLLM is started."""
