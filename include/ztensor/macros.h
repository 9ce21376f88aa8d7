#pragma once

// Compiler attributes for the public headers.

#if defined(__GNUC__)
#define ZT_API __attribute__((visibility("default")))  // the library is built with hidden visibility
#else
#define ZT_API
#endif

#if defined(__clang__)
#define ZT_LIFETIME_BOUND [[clang::lifetimebound]]  // the result borrows from this argument
#else
#define ZT_LIFETIME_BOUND
#endif
