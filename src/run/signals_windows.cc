#include "run/signals.h"

namespace zt::run {

struct SignalsBlocked::Mask {};

// Windows runs the handler of Ctrl-C on a thread of its own.
SignalsBlocked::SignalsBlocked() = default;
SignalsBlocked::~SignalsBlocked() = default;

}  // namespace zt::run
