"""The catalogues: one .po per language and room, compiled into one storeops.mo per language."""
