"""Ways for other libraries to read tensor files. Each module needs the library that it is named after."""
