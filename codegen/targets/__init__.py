"""One target per file, found by listing this folder: a module with `emit(program) -> str`."""
