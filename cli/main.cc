#include "command_line.h"

int main(int argc, char** argv) { return ztensor_command(argc, argv); }
