#include "write/form.h"

#include <bit>
#include <string>

#include "codec/codecs.h"
#include "source/formats.h"
#include "source/hidden.h"
#include "write/attributes.h"
#include "ztensor/error.h"
#include "ztensor/paths.h"

namespace zt::write {
namespace {

// Whether a new file has the canonical form. Throws usage if `canonical` is asked for, but other options exclude it.
bool is_canonical(const WriterOptions& options, WriteMode mode, const model::Encoder& encoder) {
  const bool aligned = options.alignment == 0 || options.alignment == encoder.canonical_alignment;
  const bool plain = options.encoding.is_raw() && options.max_shard_size == 0 && aligned && mode != WriteMode::append &&
                     options.checksum.value_or(Checksum::xxh3) == Checksum::xxh3;
  const bool possible = encoder.has_canonical_form() && plain;
  if (options.canonical.value_or(false) && !possible) {
    throw Error(Code::usage, "",
                "canonical contradicts the other options: it needs format 2, raw parts, xxh3 digests, the default "
                "alignment and one file");
  }
  return possible && options.canonical.value_or(true);
}

void check_alignment(std::uint64_t alignment, const model::Encoder& encoder) {
  if (alignment >= encoder.alignment && alignment <= encoder.most_alignment && std::has_single_bit(alignment)) return;
  if (encoder.alignment == encoder.most_alignment) {
    throw Error(Code::usage, "",
                "format " + std::string(encoder.title) + " has a fixed alignment: leave alignment out");
  }
  throw Error(Code::usage, "",
              "alignment " + std::to_string(alignment) + ": expected a power of two from " +
                  std::to_string(encoder.alignment) + " to " + std::to_string(encoder.most_alignment));
}

void check_options(const Form& form) {
  check_level(form.options.encoding);
  check_alignment(form.options.alignment, *form.encoder);
  if (form.options.max_shard_size > 0 && form.encoder->holds.shards == model::ShardForm::none) {
    throw Error(Code::usage, "",
                "files of format " + std::string(form.encoder->title) + " have no shards: leave max_shard_size out");
  }
  if (form.options.whole_shards && form.options.max_shard_size == 0) {
    throw Error(Code::usage, "", "whole_shards has no effect without max_shard_size: give max_shard_size, too");
  }
  form.part_options();  // checks encoding and checksum
}

}  // namespace

void check_level(Encoding encoding) {
  const codec::Row& row = codec::row_of(encoding.codec());
  if (row.most_level == 0 || (encoding.level() >= 1 && encoding.level() <= row.most_level)) return;
  throw Error(Code::usage, "",
              std::string(row.name) + " level " + std::to_string(encoding.level()) + ": expected 1 to " +
                  std::to_string(row.most_level));
}

Checksum default_checksum(const model::Encoder& encoder) {
  switch (encoder.holds.digests) {
    case model::Digests::none: return Checksum::none;
    case model::Digests::stored: return Checksum::crc32c;
    case model::Digests::decoded: return Checksum::xxh3;
    case model::Digests::archive: return Checksum::crc32;
  }
  return Checksum::none;
}

Form form_of_new(const WriterOptions& options, const std::filesystem::path& path, WriteMode mode) {
  Form form{.encoder = source::find_target(options.to, utf8_of(path)).encoder, .options = options, .mode = mode};
  form.canonical = is_canonical(options, mode, *form.encoder);
  if (options.alignment == 0) {
    form.options.alignment = form.canonical ? form.encoder->canonical_alignment : form.encoder->alignment;
  }
  check_options(form);
  return form;
}

Form form_of_present(const WriterOptions& options, const model::Encoder& encoder, std::uint64_t alignment) {
  Form form{.encoder = &encoder, .options = options, .mode = WriteMode::append};
  form.options.alignment = alignment;
  check_options(form);
  return form;
}

PartOptions Form::part_options(const AddOptions& add) const {
  const Checksum usual = default_checksum(*encoder);
  const Checksum checksum = add.checksum.value_or(options.checksum.value_or(usual));
  const bool strong = checksum == Checksum::sha256 && encoder->holds.sha256;
  if (checksum == Checksum::none && encoder->archive != nullptr) {
    throw Error(
        Code::usage, "",
        "each member of an archive has a crc32: leave checksum out to write format " + std::string(encoder->title));
  }
  if (checksum != Checksum::none && checksum != usual && !strong) {
    throw Error(Code::usage, "",
                "format " + std::string(encoder->title) + " has no checksum " + std::string(checksum_name(checksum)));
  }
  PartOptions part{.encoding = add.encoding.value_or(options.encoding),
                   .checksum = checksum,
                   .digest_decoded = encoder->holds.digests == model::Digests::decoded,
                   .archive = encoder->archive};
  check_level(part.encoding);
  if (!encoder->has_codec(part.encoding.codec())) {
    throw Error(Code::usage, "",
                "format " + std::string(encoder->title) + " has no compression by " +
                    std::string(codec::row_of(part.encoding.codec()).name) +
                    ": write a .zt file, or store the parts raw");
  }
  if (canonical && (!part.encoding.is_raw() || checksum != Checksum::xxh3)) {
    throw Error(Code::usage, "", "canonical files hold only raw parts with xxh3 digests: turn canonical off");
  }
  return part;
}

// An empty map of the file's attributes is stored as none. The same holds for a tensor's in a deterministic format.
std::vector<std::byte> Form::attributes_of(const Value& attributes, bool of_file) const {
  const bool empty = attributes.is_map() && attributes.members()->empty();
  if (empty && (of_file || encoder->holds.deterministic_attributes)) return {};
  if (!of_file && !encoder->holds.tensor_attributes && source::without_hidden(attributes).is_null()) return {};
  if (attributes.is_map() && !of_file && !encoder->holds.tensor_attributes) {
    throw Error(Code::unsupported, "", "format " + std::string(encoder->title) + " holds no attributes of tensors");
  }
  return encode_attributes(attributes, *encoder, of_file, options.limits);
}

}  // namespace zt::write
