"""The eleven stages, one module each; :data:`dubkit.run.PIPELINE` says their order."""
