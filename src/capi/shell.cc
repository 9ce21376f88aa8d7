#include "capi/shell.h"

#include <algorithm>
#include <cerrno>
#include <exception>
#include <limits>
#include <memory>
#include <new>
#include <set>
#include <stdexcept>
#include <system_error>

namespace zt::capi {

static_assert(static_cast<int>(Code::malformed) == ZT_ERROR_MALFORMED &&
              static_cast<int>(Code::no_memory) == ZT_ERROR_NO_MEMORY);
static_assert(number_of(DType::f64) == ZT_FLOAT64 && number_of(DType::boolean) == ZT_BOOL &&
              number_of(DType::f8_e8m0) == ZT_FLOAT8_E8M0FNU && number_of(DType::complex128) == ZT_COMPLEX128 &&
              ZT_COMPLEX128 == kDTypeCount);

void throw_usage(const std::string& message) { throw Error(Code::usage, "", message); }

namespace {

// Copies as much of the text as fits. Cuts no character in two.
void copy_text(char (&out)[ZT_MESSAGE_BYTES], std::string_view text) noexcept {
  constexpr std::string_view kMore = "...";
  std::size_t length = text.size();
  if (length >= sizeof(out)) {
    length = sizeof(out) - 1 - kMore.size();
    while (length > 0 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) --length;
  }
  std::memcpy(out, text.data(), length);
  std::size_t end = length;
  if (length < text.size()) {
    std::memcpy(out + length, kMore.data(), kMore.size());
    end += kMore.size();
  }
  out[end] = '\0';
}

zt_code describe(zt_error* error, Code code, int os_error, const char* rule, std::string_view message) noexcept {
  const auto number = static_cast<zt_code>(code);
  if (error == nullptr || error->size < sizeof(std::size_t)) return number;
  zt_error full{};
  full.size = error->size;
  full.code = number;
  full.os_error = os_error;
  full.rule = rule;
  copy_text(full.message, message);
  std::memcpy(error, &full, std::min(error->size, sizeof(full)));
  return number;
}

}  // namespace

void fill(zt_error& error, const Error& of) noexcept {
  describe(&error, of.code(), of.os_error(), of.rule(), of.what());
}

zt_code caught(zt_error* error) noexcept {
  try {
    throw;
  } catch (const Error& found) {
    return describe(error, found.code(), found.os_error(), found.rule(), found.what());
  } catch (const std::bad_alloc&) {
    return describe(error, Code::no_memory, ENOMEM, "", "there is not enough memory");
  } catch (const std::length_error&) {  // of a container that would be larger than any memory
    return describe(error, Code::no_memory, ENOMEM, "", "there is not enough memory");
  } catch (const std::system_error& found) {
    return describe(error, Code::io, found.code().value(), "", found.what());
  } catch (const std::exception& found) {
    return describe(error, Code::internal, 0, "", found.what());
  } catch (...) {
    return describe(error, Code::internal, 0, "", "an exception of an unknown type");
  }
}

std::string text_of(const char* text, const char* what) { return &needed(text, what); }

std::filesystem::path path_of(const char* path, const char* what) { return zt::path_of(&needed(path, what)); }

std::vector<std::string> texts_of(const char* const* texts, std::size_t count, const char* what) {
  std::vector<std::string> out;
  for (const char* text : array_of(texts, count, what)) out.push_back(text_of(text, what));
  return out;
}

std::vector<std::filesystem::path> paths_of(const char* const* paths, std::size_t count) {
  std::vector<std::filesystem::path> out;
  for (const char* path : array_of(paths, count, "the list of paths")) out.push_back(path_of(path, "a path"));
  return out;
}

void check_size(std::size_t given, std::size_t own, const void* bytes, const char* what) {
  constexpr std::size_t kMost = 4096;  // more than any struct will ever need: the number is not a size
  if (given < own || given > kMost) {
    throw_usage(std::string(what) + ": its field size is " + std::to_string(given) + ": set it to sizeof(" + what +
                ")");
  }
  if (bytes == nullptr) return;
  // A newer program may give fields that this library does not know. It would be wrong to ignore those that are set.
  const std::span later = std::span(static_cast<const char*>(bytes), given).subspan(own);
  if (std::any_of(later.begin(), later.end(), [](char byte) { return byte != 0; })) {
    throw Error(Code::unsupported, "", std::string(what) + ": a field is set that this library, an older one, lacks");
  }
}

void give_bytes(zt_bytes& out, Bytes bytes) {
  auto owner = std::make_unique<Bytes>(std::move(bytes));
  const auto view = owner->view();
  out = {view.data(), view.size(), owner.release()};
}

void give_text(zt_bytes& out, std::string text) {
  const auto kept = std::make_shared<const std::string>(std::move(text));
  give_bytes(out, Bytes(kept, std::as_bytes(std::span(*kept))));
}

DType dtype_of(zt_dtype dtype) {
  if (dtype < 1 || dtype > kDTypeCount) {
    throw_usage("no dtype has the number " + std::to_string(dtype) + ": give one of ZT_FLOAT32, ...");
  }
  return static_cast<DType>(dtype - 1);
}

Limits limits_of(const zt_limits& limits) {
  Limits out;
  if (limits.index_bytes != 0) out.index_bytes = limits.index_bytes;
  if (limits.decoded_bytes != 0) out.decoded_bytes = limits.decoded_bytes;
  if (limits.rank != 0) out.rank = limits.rank;
  if (limits.parts != 0) out.parts = limits.parts;
  if (limits.depth != 0) out.depth = limits.depth;
  return out;
}

Progress progress_of(const zt_progress& progress) {
  if (progress.call == nullptr) return {};
  return [progress](std::uint64_t done, std::uint64_t total) { return progress.call(progress.context, done, total); };
}

std::span<const std::uint64_t> shape_of(const std::uint64_t* shape, std::size_t rank, const char* what) {
  const std::size_t most = Limits().rank;
  if (rank > most) {
    throw_usage(std::string(what) + " has rank " + std::to_string(rank) + ": at most " + std::to_string(most));
  }
  return array_of(shape, rank, what);
}

namespace {

// JSON has no such maps, and formats refuse them.
void check_keys(const Value& value) {
  if (const Value::Array* items = value.array()) {
    for (const Value& item : *items) check_keys(item);
  }
  if (const Value::Map* members = value.members()) {
    std::set<std::vector<std::byte>> keys;
    for (const auto& [key, member] : *members) {
      if (!keys.insert(key.encode()).second) throw_usage("attributes have the key " + json_value(key) + " twice");
      check_keys(member);
    }
  }
}

Value parsed(const zt_attributes& attributes) {
  try {
    if (attributes.json != nullptr) return json_parse(attributes.json);
    return Value::parse({static_cast<const std::byte*>(attributes.cbor), attributes.cbor_length});
  } catch (const Error& error) {
    if (error.code() != Code::malformed) throw;
    throw_usage("attributes: " + std::string(error.what()));  // malformed is about files
  }
}

}  // namespace

Value value_of(const zt_attributes& attributes) {
  if (attributes.json != nullptr && attributes.cbor != nullptr) {
    throw_usage("attributes are given both as JSON and as CBOR: give one");
  }
  if (attributes.cbor == nullptr && attributes.cbor_length != 0) {
    throw_usage("the CBOR of attributes is NULL, and its length is not 0");
  }
  if (attributes.json == nullptr && attributes.cbor == nullptr) return {};
  Value value = parsed(attributes);
  check_keys(value);
  return value;
}

std::optional<Verify> verify_of(zt_verify_mode mode) {
  switch (mode) {
    case ZT_VERIFY_DEFAULT: return std::nullopt;
    case ZT_VERIFY_STANDARD: return Verify::standard;
    case ZT_VERIFY_ALWAYS: return Verify::always;
    case ZT_VERIFY_NEVER: return Verify::never;
    default: throw_usage("no zt_verify_mode has the number " + std::to_string(mode));
  }
}

std::optional<Encoding> encoding_of(zt_encoding encoding, std::int32_t level) {
  if (encoding != ZT_ENCODING_ZSTD && encoding != ZT_ENCODING_PLANES && level != 0) {
    throw_usage("a level goes with ZT_ENCODING_ZSTD and ZT_ENCODING_PLANES alone");
  }
  switch (encoding) {
    case ZT_ENCODING_DEFAULT: return std::nullopt;
    case ZT_ENCODING_RAW: return Encoding::raw();
    case ZT_ENCODING_ZSTD: return level == 0 ? Encoding::zstd() : Encoding::zstd(level);
    case ZT_ENCODING_PLANES: return level == 0 ? Encoding::planes() : Encoding::planes(level);
    case ZT_ENCODING_AUTO: return Encoding::automatic();
    default: throw_usage("no zt_encoding has the number " + std::to_string(encoding));
  }
}

std::optional<Checksum> checksum_of(zt_checksum checksum) {
  switch (checksum) {
    case ZT_CHECKSUM_DEFAULT: return std::nullopt;
    case ZT_CHECKSUM_NONE: return Checksum::none;
    case ZT_CHECKSUM_CRC32C: return Checksum::crc32c;
    case ZT_CHECKSUM_SHA256: return Checksum::sha256;
    case ZT_CHECKSUM_XXH3: return Checksum::xxh3;
    default: throw_usage("no zt_checksum has the number " + std::to_string(checksum));
  }
}

OpenOptions open_options_of(const zt_open_options* options) {
  const zt_open_options given = taken(options, "zt_open_options");
  OpenOptions out;
  switch (given.backend) {
    case ZT_BACKEND_AUTO: break;
    case ZT_BACKEND_MMAP: out.backend = Backend::mmap; break;
    case ZT_BACKEND_READ: out.backend = Backend::read; break;
    default: throw_usage("no zt_backend has the number " + std::to_string(given.backend));
  }
  out.verify = verify_of(given.verify).value_or(Verify::standard);
  constexpr std::uint32_t kMostThreads = 1024;
  if (given.threads > kMostThreads) throw_usage("threads is " + std::to_string(given.threads) + ": expected 0 to 1024");
  out.threads = given.threads;
  out.limits = limits_of(given.limits);
  for (const zt_source* base : array_of(given.bases, given.bases_count, "bases")) {
    out.bases.push_back(std::make_shared<const Source>(needed(base, "a base").source));
  }
  return out;
}

WriterOptions writer_options_of(const zt_writer_options* options) {
  const zt_writer_options given = taken(options, "zt_writer_options");
  if (given.canonical && given.not_canonical) throw_usage("canonical and not_canonical are both set: set one");
  WriterOptions out;
  if (given.format != nullptr) out.to = given.format;
  out.encoding = encoding_of(given.encoding, given.level).value_or(Encoding::raw());
  out.checksum = checksum_of(given.checksum);
  out.alignment = given.alignment;
  out.attributes = value_of(given.attributes);
  out.durable = given.durable;
  out.threads = given.threads;
  out.limits = limits_of(given.limits);
  if (given.canonical || given.not_canonical) out.canonical = given.canonical;
  out.max_shard_size = given.max_shard_size;
  out.lossy = given.lossy;
  if (given.base != nullptr) out.base = delta_base(given.base->source);
  return out;
}

AddOptions add_options_of(const zt_add_options* options) {
  const zt_add_options given = taken(options, "zt_add_options");
  return {.encoding = encoding_of(given.encoding, given.level),
          .checksum = checksum_of(given.checksum),
          .attributes = value_of(given.attributes),
          .replace = given.replace,
          .delta = given.delta};
}

ArrayView view_of(const zt_array& array) {
  const zt_array given = taken(&array, "zt_array");
  const auto shape = shape_of(given.shape, given.rank, "the shape of a zt_array");
  ArrayView view{.dtype = dtype_of(given.dtype),
                 .shape = {shape.begin(), shape.end()},
                 .data = static_cast<const std::byte*>(given.data),
                 .strides = {},
                 .byte_swapped = given.byte_swapped};
  if (given.strides != nullptr) view.strides.assign(given.strides, given.strides + given.rank);
  const bool empty = std::find(shape.begin(), shape.end(), 0) != shape.end();
  if (given.data == nullptr && !empty) throw_usage("the data of a zt_array is NULL, and it has elements");
  return view;
}

void tell(const zt_lines& lines, zt_line_kind kind, const std::vector<std::string>& texts) {
  if (lines.call == nullptr) return;
  for (const std::string& text : texts) lines.call(lines.context, kind, borrow(text));
}

}  // namespace zt::capi

void zt_bytes_free(zt_bytes* bytes) {
  if (bytes == nullptr) return;
  delete static_cast<zt::Bytes*>(bytes->owner);
  *bytes = {};
}

const char* zt_version(void) { return ZT_VERSION; }

const char* zt_code_name(zt_code code) {
  if (code == ZT_OK) return "ok";
  if (code < ZT_ERROR_MALFORMED || code > ZT_ERROR_NO_MEMORY) return "unknown";
  return zt::code_name(static_cast<zt::Code>(code)).data();
}

const char* zt_dtype_name(zt_dtype dtype) {
  if (dtype < 1 || dtype > zt::kDTypeCount) return "";
  return zt::dtype_name(static_cast<zt::DType>(dtype - 1)).data();
}

zt_dtype zt_dtype_find(const char* name) {
  const auto found = name == nullptr ? std::nullopt : zt::find_dtype(name);
  return found ? zt::capi::number_of(*found) : 0;
}

uint32_t zt_dtype_bits(zt_dtype dtype) {
  return dtype < 1 || dtype > zt::kDTypeCount ? 0 : zt::dtype_bits(static_cast<zt::DType>(dtype - 1));
}

uint64_t zt_dtype_bytes(zt_dtype dtype, uint64_t elements) {
  if (dtype < 1 || dtype > zt::kDTypeCount) return std::numeric_limits<std::uint64_t>::max();
  const auto bytes = zt::byte_length(static_cast<zt::DType>(dtype - 1), elements);
  return bytes.value_or(std::numeric_limits<std::uint64_t>::max());
}
