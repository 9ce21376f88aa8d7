#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ztensor/dtype.h"

namespace zt::foreign::pickle {

// A global whose meaning we know. Each stands for exact pairs of module and name.
enum class Known : std::uint8_t {
  unknown,
  // Python
  ordered_dict,
  default_dict,
  counter,
  codecs_encode,
  make_bytes,
  make_bytearray,
  make_set,
  make_frozenset,
  make_complex,
  make_object,  // copyreg._reconstructor: its first argument is a class
  type,         // int, float, str, ...: values, not called
  // torch
  rebuild_tensor,
  rebuild_tensor_v2,
  rebuild_tensor_v3,
  rebuild_parameter,
  rebuild_parameter_with_state,
  rebuild_qtensor,
  rebuild_sparse_tensor,
  rebuild_sparse_csr_tensor,
  rebuild_device_tensor_from_numpy,
  rebuild_device_tensor_from_cpu,
  rebuild_meta_tensor,
  rebuild_from_type_v2,
  parameter,
  tensor_type,   // torch.Tensor, torch.FloatTensor, ...
  storage_type,  // torch.FloatStorage, ...; an UntypedStorage has the dtype u8
  torch_dtype,
  torch_scheme,  // torch.per_tensor_affine, ...
  torch_size,
  torch_device,
  torch_layout,     // torch.serialization._get_layout
  load_from_bytes,  // torch.storage._load_from_bytes
  jit_list,         // torch.jit._pickle.build_intlist, ...
  jit_tag,          // torch.jit._pickle.restore_type_tag
  // numpy
  np_reconstruct,
  np_frombuffer,
  np_scalar,
  np_ndarray,
  np_dtype,
  np_type,   // numpy.float32, ...: values
  ml_dtype,  // ml_dtypes.bfloat16, ...
  // joblib
  joblib_wrapper,
};

// What happens when a pickle with this global is loaded the usual way.
enum class Risk : std::uint8_t {
  inert,    // it makes data, and nothing else
  unknown,  // code that we know nothing about
  danger,   // it is known to run what the pickle says
};

struct Meaning {
  Known known = Known::unknown;
  std::optional<DType> dtype;  // of a storage, tensor or dtype that our types have
};

// One global of a stream.
struct Global {
  std::string module;
  std::string name;
  Meaning meaning;
  Risk risk = Risk::unknown;
  bool called = false;       // and not only named
  std::uint64_t offset = 0;  // where the stream names it first
  std::uint64_t count = 0;   // how often the stream names it
  std::uint64_t passed = 0;  // how often it is a value, and not what a call calls

  std::string full() const { return module + "." + name; }
};

Meaning find_meaning(std::string_view module, std::string_view name);
Risk find_risk(std::string_view module, std::string_view name);

}  // namespace zt::foreign::pickle
