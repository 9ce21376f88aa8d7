// The same as C++: c.h must compile in both.
#include "capi.c"
