"""From files to a typed, frozen job: Hydra's composition comes in, pydantic models go out."""
