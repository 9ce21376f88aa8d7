#include <algorithm>

#include "base/blocks.h"
#include "base/checked.h"
#include "grow/file_end.h"
#include "grow/revision.h"
#include "io/file.h"
#include "io/locked_file.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/state.h"
#include "tools/in_file.h"
#include "tools/salvage.h"
#include "ztensor/grow.h"
#include "ztensor/paths.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

// Where the version ends, without the leftovers of a killed append.
std::uint64_t end_without_hole(const tools::Version& version) {
  const SourceState& state = *Access::state(version.source);
  const model::Encoder* encoder = source::find_encoder(version.source.format());
  if (encoder == nullptr || encoder->grower == nullptr || !version.footer.empty()) return version.length;
  const Region manifest = state.catalog.manifest;
  if (manifest.length == 0) return version.length;  // a data shard
  std::vector<std::byte> bytes(static_cast<std::size_t>(manifest.length));
  state.store->read_at(manifest.offset, bytes);
  const model::FormerManifests former = encoder->grower->former(*state.store, state.catalog, bytes);
  const grow::Live live = grow::live_version(*state.store, state.catalog, former.regions);
  return grow::find_former_end(encoder->grower->tail, live, *state.store).value_or(version.length);
}

// The place for a 1.x manifest that a killed append moved past the room that it reserved (docs/design.md, growing a
// file): after the last byte that any entry names. Leaves a small gap alone: a completed append may leave one.
std::optional<std::uint64_t> place_before_hole(const tools::Version& version) {
  constexpr std::uint64_t kLeastHole = std::uint64_t{128} << 20;
  const SourceState& state = *Access::state(version.source);
  const model::Encoder* encoder = source::find_encoder(version.source.format());
  if (encoder == nullptr || encoder->grower == nullptr) return std::nullopt;
  if (encoder->grower->tail != grow::Tail::manifest_size) return std::nullopt;
  const Region manifest = state.catalog.manifest;
  std::uint64_t end = 8;
  for (std::uint32_t part = 0; part < state.catalog.part_rows(); ++part) {
    const model::Recipe& recipe = state.catalog.part(part).recipe;
    const auto part_end = checked::add(recipe.offset, recipe.stored_length);
    if (!part_end || *part_end > state.store->size()) return std::nullopt;  // a broken entry
    end = std::max(end, *part_end);
  }
  if (end > manifest.offset || manifest.offset - end < kLeastHole + manifest.length) return std::nullopt;
  return end;
}

[[noreturn]] void refuse_nothing(const tools::Salvage& salvage) {
  if (!salvage.broken().empty()) {
    throw Error(Code::malformed, "repair.contents",
                "no version of the file is whole. The last index ends at " + std::to_string(salvage.broken_end()) +
                    ", but " + salvage.broken());
  }
  throw Error(Code::malformed, "repair.nothing",
              "the file has no whole version: no index was found, so names and places of the tensors are lost");
}

void check_output(const fs::path& path, const RepairOptions& options) {
  if (!options.output) return;
  const auto target = io::identify(*options.output);
  if (target && target == io::identify(path)) {
    throw Error(Code::usage, "", utf8_of(*options.output) + ": the output is also the input " + utf8_of(path));
  }
  source::find_target("1.2", utf8_of(*options.output));  // any generation: they have one suffix
  io::check_output(*options.output, options.overwrite);
}

// Returns the traits of a replaced file that the copy could not keep.
std::vector<std::string> write_copy(const ByteStore& store, std::uint64_t length, std::span<const std::byte> footer,
                                    const RepairOptions& options) {
  io::Publication file(*options.output, {.create_new = !options.overwrite, .durable = options.durable});
  run::Meter meter(options.progress, length);
  for_each_block(store, {0, length}, [&](std::uint64_t, std::span<const std::byte> block) {
    file.write(block);
    meter.add(block.size());
    meter.poll();
    return true;
  });
  file.write(footer);
  meter.finish();
  file.publish();
  return file.notes();
}

// Cuts off only bytes after the last whole version, and changes none before its end.
void cut_in_place(io::LockedFile& file, std::uint64_t length, std::span<const std::byte> footer) {
  file.check_place();
  if (!footer.empty()) file.write(length, footer);  // in a hole or after the end: valid until the cut
  file.sync();
  file.cut(length + footer.size());
  file.sync();
}

// What was found out about the file to repair.
struct Found {
  tools::Version version;
  bool torn = false;  // the version does not end at the end of the file
};
struct End {
  std::uint64_t length = 0;            // of the bytes of the version that stay
  std::vector<std::byte> footer = {};  // bytes to put after them
  std::uint64_t size() const { return length + footer.size(); }
};

// The version of the whole file; if the end is torn, the last version in it.
Found find_version(tools::Salvage& salvage) {
  if (std::optional<tools::Version> whole = salvage.whole()) return {.version = *std::move(whole), .torn = false};
  std::optional<tools::Version> last = salvage.last();
  if (!last) refuse_nothing(salvage);
  return {.version = *std::move(last), .torn = true};
}

// Checks that the found version can be trusted. In place a doubt is an error, since bytes are cut off; for a copy it is
// a note.
void check_trust(const Found& found, const tools::Salvage& salvage, bool in_place, RepairReport& report) {
  const std::string end = std::to_string(found.version.length);
  if (in_place && found.version.footer.empty() && !found.version.digested) {
    throw Error(Code::malformed, "repair.undigested",
                "the last whole version ends at " + end +
                    ", but its tensors have no digests: it may be a file inside a tensor. Write the repaired file to "
                    "another path");
  }
  if (salvage.broken().empty() || salvage.broken_end() <= found.version.length) return;
  const std::string later = "a later index, which ends at " + std::to_string(salvage.broken_end()) +
                            ", has damaged contents: " + salvage.broken();
  if (in_place) {
    throw Error(Code::malformed, "repair.later", later + ". The version before it ends at " + end);
  }
  report.notes.push_back(later);
}

// Where the repaired file ends, and the bytes at its end.
End planned_end(const tools::Version& version) {
  if (!version.footer.empty()) return {.length = version.length, .footer = version.footer};
  if (const auto place = place_before_hole(version)) {
    return {.length = *place, .footer = tools::ending_at(version, *place)};
  }
  return {.length = end_without_hole(version)};
}

// Returns notes about the output.
std::vector<std::string> carry_out(const End& end, const ByteStore& store, io::LockedFile* locked,
                                   const RepairOptions& options) {
  if (locked == nullptr) return write_copy(store, end.length, end.footer, options);
  cut_in_place(*locked, end.length, end.footer);
  return {};
}

}  // namespace

RepairReport repair(const fs::path& path, const RepairOptions& options) {
  check_output(path, options);
  std::unique_ptr<io::LockedFile> locked;  // no other writer can come between the search and the cut
  if (!options.dry_run && !options.output) locked = std::make_unique<io::LockedFile>(path, options.durable);
  const std::shared_ptr<const ByteStore> store = locked ? locked->store() : io::File::open(path);
  return tools::in_file(path, [&] {
    tools::Salvage salvage(store, path, options.limits, options.progress);
    RepairReport report{.size_before = store->size(), .size_after = store->size()};
    const Found found = find_version(salvage);
    if (found.torn) check_trust(found, salvage, locked != nullptr, report);
    if (!found.version.footer.empty()) {
      report.notes.emplace_back("the index was whole: only the footer after it was lost");
    }
    const End end = planned_end(found.version);
    report.format = found.version.source.format();
    report.tensors = found.version.source.size();
    report.size_after = end.size();
    if (found.torn) {
      report.state = RepairReport::State::torn;
    } else if (end.size() < store->size()) {
      report.state = RepairReport::State::unfinished;
    }
    if ((report.state != RepairReport::State::healthy || options.output) && !options.dry_run) {
      for (const std::string& note : carry_out(end, *store, locked.get(), options)) {
        report.notes.push_back(utf8_of(*options.output) + ": " + note);
      }
    }
    return report;
  });
}

}  // namespace zt
