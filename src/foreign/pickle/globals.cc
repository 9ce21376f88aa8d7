#include "foreign/pickle/globals.h"

#include <algorithm>
#include <iterator>

namespace zt::foreign::pickle {
namespace {

struct Row {
  std::string_view module;
  std::string_view name;
  Known known;
};

// clang-format off
constexpr Row kRows[] = {
    {"collections", "OrderedDict", Known::ordered_dict},
    {"collections", "defaultdict", Known::default_dict},
    {"collections", "Counter", Known::counter},
    {"_codecs", "encode", Known::codecs_encode},
    {"copyreg", "_reconstructor", Known::make_object},
    {"copy_reg", "_reconstructor", Known::make_object},
    {"joblib.numpy_pickle", "NumpyArrayWrapper", Known::joblib_wrapper},
};

constexpr Row kTorchRows[] = {  // below torch
    {"._utils", "_rebuild_tensor", Known::rebuild_tensor},
    {"._utils", "_rebuild_tensor_v2", Known::rebuild_tensor_v2},
    {"._utils", "_rebuild_tensor_v3", Known::rebuild_tensor_v3},
    {"._utils", "_rebuild_parameter", Known::rebuild_parameter},
    {"._utils", "_rebuild_parameter_with_state", Known::rebuild_parameter_with_state},
    {"._utils", "_rebuild_qtensor", Known::rebuild_qtensor},
    {"._utils", "_rebuild_sparse_tensor", Known::rebuild_sparse_tensor},
    {"._utils", "_rebuild_sparse_csr_tensor", Known::rebuild_sparse_csr_tensor},
    {"._utils", "_rebuild_device_tensor_from_numpy", Known::rebuild_device_tensor_from_numpy},
    {"._utils", "_rebuild_xla_tensor", Known::rebuild_device_tensor_from_numpy},
    {"._utils", "_rebuild_device_tensor_from_cpu_tensor", Known::rebuild_device_tensor_from_cpu},
    {"._utils", "_rebuild_meta_tensor_no_storage", Known::rebuild_meta_tensor},
    {"._tensor", "_rebuild_from_type_v2", Known::rebuild_from_type_v2},
    {".nn.parameter", "Parameter", Known::parameter},
    {"", "Size", Known::torch_size},
    {"", "device", Known::torch_device},
    {".serialization", "_get_layout", Known::torch_layout},
    {".storage", "_load_from_bytes", Known::load_from_bytes},
    {"", "per_tensor_affine", Known::torch_scheme},
    {"", "per_channel_affine", Known::torch_scheme},
    {"", "per_tensor_symmetric", Known::torch_scheme},
    {"", "per_channel_symmetric", Known::torch_scheme},
    {"", "per_channel_affine_float_qparams", Known::torch_scheme},
    {".jit._pickle", "build_intlist", Known::jit_list},
    {".jit._pickle", "build_doublelist", Known::jit_list},
    {".jit._pickle", "build_boollist", Known::jit_list},
    {".jit._pickle", "build_tensorlist", Known::jit_list},
    {".jit._pickle", "restore_type_tag", Known::jit_tag},
};

constexpr Row kNumpyRows[] = {  // below numpy
    {"", "ndarray", Known::np_ndarray},
    {"", "dtype", Known::np_dtype},
    {".core.multiarray", "_reconstruct", Known::np_reconstruct},
    {".core.multiarray", "scalar", Known::np_scalar},
    {".core.numeric", "_frombuffer", Known::np_frombuffer},
    {"._core.multiarray", "_reconstruct", Known::np_reconstruct},
    {"._core.multiarray", "scalar", Known::np_scalar},
    {"._core.numeric", "_frombuffer", Known::np_frombuffer},
};

constexpr std::string_view kBuiltins[] = {"builtins", "__builtin__"};
constexpr Row kBuiltinRows[] = {
    {"", "bytes", Known::make_bytes}, {"", "bytearray", Known::make_bytearray}, {"", "set", Known::make_set},
    {"", "frozenset", Known::make_frozenset}, {"", "complex", Known::make_complex}, {"", "int", Known::type},
    {"", "long", Known::type}, {"", "float", Known::type}, {"", "str", Known::type}, {"", "unicode", Known::type},
    {"", "list", Known::type}, {"", "dict", Known::type}, {"", "tuple", Known::type}, {"", "bool", Known::type},
    {"", "object", Known::type},
};

struct Typed {
  std::string_view name;
  std::optional<DType> dtype;
};

constexpr Typed kStorages[] = {
    {"Double", DType::f64}, {"Float", DType::f32}, {"Half", DType::f16}, {"BFloat16", DType::bf16},
    {"Long", DType::i64}, {"Int", DType::i32}, {"Short", DType::i16}, {"Char", DType::i8}, {"Byte", DType::u8},
    {"Bool", DType::boolean}, {"ComplexFloat", DType::complex64}, {"ComplexDouble", DType::complex128},
    {"QInt8", {}}, {"QUInt8", {}}, {"QInt32", {}}, {"QUInt4x2", {}}, {"QUInt2x4", {}},
};

constexpr Typed kTorchDtypes[] = {
    {"float64", DType::f64}, {"double", DType::f64}, {"float32", DType::f32}, {"float", DType::f32},
    {"float16", DType::f16}, {"half", DType::f16}, {"bfloat16", DType::bf16}, {"int64", DType::i64},
    {"long", DType::i64}, {"int32", DType::i32}, {"int", DType::i32}, {"int16", DType::i16}, {"short", DType::i16},
    {"int8", DType::i8}, {"uint64", DType::u64}, {"uint32", DType::u32}, {"uint16", DType::u16},
    {"uint8", DType::u8}, {"bool", DType::boolean}, {"complex64", DType::complex64}, {"cfloat", DType::complex64},
    {"complex128", DType::complex128}, {"cdouble", DType::complex128}, {"float8_e4m3fn", DType::f8_e4m3fn},
    {"float8_e5m2", DType::f8_e5m2}, {"float8_e4m3fnuz", DType::f8_e4m3fnuz},
    {"float8_e5m2fnuz", DType::f8_e5m2fnuz}, {"float8_e8m0fnu", DType::f8_e8m0},
    {"float4_e2m1fn_x2", DType::f4_e2m1}, {"complex32", {}}, {"chalf", {}}, {"qint8", {}}, {"quint8", {}},
    {"qint32", {}}, {"quint4x2", {}}, {"quint2x4", {}}, {"bits8", {}}, {"bits16", {}}, {"bits1x8", {}},
    {"bits2x4", {}}, {"bits4x2", {}}, {"uint1", {}}, {"uint2", {}}, {"uint3", {}}, {"uint4", {}}, {"uint5", {}},
    {"uint6", {}}, {"uint7", {}}, {"int1", {}}, {"int2", {}}, {"int3", {}}, {"int4", {}}, {"int5", {}},
    {"int6", {}}, {"int7", {}},
};

// One element of these has a byte of its own in NumPy, whatever its bits. So the types below a byte are without a dtype.
constexpr Typed kMlDtypes[] = {
    {"bfloat16", DType::bf16}, {"float8_e4m3fn", DType::f8_e4m3fn}, {"float8_e5m2", DType::f8_e5m2},
    {"float8_e4m3fnuz", DType::f8_e4m3fnuz}, {"float8_e5m2fnuz", DType::f8_e5m2fnuz},
    {"float8_e8m0fnu", DType::f8_e8m0}, {"float8_e3m4", {}}, {"float8_e4m3", {}}, {"float8_e4m3b11fnuz", {}},
    {"float4_e2m1fn", {}}, {"float6_e2m3fn", {}}, {"float6_e3m2fn", {}}, {"int1", {}}, {"int2", {}}, {"int4", {}},
    {"uint1", {}}, {"uint2", {}}, {"uint4", {}},
};

constexpr Typed kNumpyTypes[] = {
    {"float64", DType::f64}, {"float32", DType::f32}, {"float16", DType::f16}, {"int64", DType::i64},
    {"int32", DType::i32}, {"int16", DType::i16}, {"int8", DType::i8}, {"uint64", DType::u64},
    {"uint32", DType::u32}, {"uint16", DType::u16}, {"uint8", DType::u8}, {"bool_", DType::boolean},
    {"bool", DType::boolean}, {"complex64", DType::complex64}, {"complex128", DType::complex128}, {"longlong", {}},
    {"ulonglong", {}}, {"longdouble", {}}, {"clongdouble", {}}, {"object_", {}}, {"str_", {}}, {"bytes_", {}},
    {"void", {}}, {"datetime64", {}}, {"timedelta64", {}},
};
// clang-format on

template <std::size_t N>
const Typed* find_typed(const Typed (&rows)[N], std::string_view name) {
  const auto found = std::ranges::find(rows, name, &Typed::name);
  return found == std::end(rows) ? nullptr : found;
}

// "FloatStorage" in torch or torch.cuda.
std::optional<Meaning> find_storage(std::string_view module, std::string_view name) {
  constexpr std::string_view kStorage = "Storage";
  constexpr std::string_view kTensor = "Tensor";
  if (!module.starts_with("torch")) return std::nullopt;
  module.remove_prefix(std::string_view("torch").size());
  if (module == ".storage" && (name == "UntypedStorage" || name == "TypedStorage" || name == "_UntypedStorage")) {
    return Meaning{Known::storage_type, DType::u8};
  }
  if (!module.empty() && module != ".cuda") return std::nullopt;
  if (name == "Tensor") return Meaning{Known::tensor_type, {}};
  const bool is_storage = name.ends_with(kStorage);
  if (!is_storage && !name.ends_with(kTensor)) return std::nullopt;
  name.remove_suffix(is_storage ? kStorage.size() : kTensor.size());
  if (is_storage && name == "Untyped") return Meaning{Known::storage_type, DType::u8};
  const Typed* row = find_typed(kStorages, name);
  if (row == nullptr) return std::nullopt;
  return Meaning{is_storage ? Known::storage_type : Known::tensor_type, row->dtype};
}

std::optional<Meaning> find_type(std::string_view module, std::string_view name) {
  if (const auto storage = find_storage(module, name)) return storage;
  const auto typed = [&](const Typed* row, Known known) -> std::optional<Meaning> {
    if (row == nullptr) return std::nullopt;
    return Meaning{known, row->dtype};
  };
  if (module == "torch") return typed(find_typed(kTorchDtypes, name), Known::torch_dtype);
  if (module == "ml_dtypes") return typed(find_typed(kMlDtypes, name), Known::ml_dtype);
  if (module == "numpy") return typed(find_typed(kNumpyTypes, name), Known::np_type);
  return std::nullopt;
}

// Searches rows whose module is `prefix` followed by the row's own.
template <std::size_t N>
Known find_row(const Row (&rows)[N], std::string_view prefix, std::string_view module, std::string_view name) {
  if (!module.starts_with(prefix)) return Known::unknown;
  const std::string_view rest = module.substr(prefix.size());
  for (const Row& row : rows) {
    if (row.module == rest && row.name == name) return row.known;
  }
  return Known::unknown;
}

}  // namespace

Meaning find_meaning(std::string_view module, std::string_view name) {
  Known known = find_row(kRows, "", module, name);
  if (known == Known::unknown) known = find_row(kTorchRows, "torch", module, name);
  if (known == Known::unknown) known = find_row(kNumpyRows, "numpy", module, name);
  for (const std::string_view prefix : kBuiltins) {
    if (known == Known::unknown) known = find_row(kBuiltinRows, prefix, module, name);
  }
  if (known != Known::unknown) return {known, {}};
  return find_type(module, name).value_or(Meaning{});
}

}  // namespace zt::foreign::pickle
