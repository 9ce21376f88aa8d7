#pragma once

// All of zTensor. Start with zt::open (source.h) and zt::Writer (writer.h).

#include "ztensor/byte_store.h"
#include "ztensor/bytes.h"
#include "ztensor/convert.h"
#include "ztensor/dequantize.h"
#include "ztensor/diff.h"
#include "ztensor/digest.h"
#include "ztensor/dtype.h"
#include "ztensor/error.h"
#include "ztensor/info.h"
#include "ztensor/limits.h"
#include "ztensor/options.h"
#include "ztensor/progress.h"
#include "ztensor/resolver.h"
#include "ztensor/shards.h"
#include "ztensor/slice.h"
#include "ztensor/source.h"
#include "ztensor/tensor.h"
#include "ztensor/value.h"
#include "ztensor/verify.h"
#include "ztensor/writer.h"
