#include "command_line.h"
#include "platform.h"

int main(int argc, char** argv) {
  argv = cli::utf8_arguments(argc, argv);
  return ztensor_command(argc, argv);
}
