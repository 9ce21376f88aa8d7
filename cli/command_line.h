#pragma once

// The whole command: parses the command line, carries out the command, and reports every error. Returns the exit code.
// Call it first in main(), and once: it claims the standard descriptors and changes what signals do. It has the name
// of a C function, so that rust/ztensor-cli can call it.
extern "C" int ztensor_command(int argc, char** argv);
