#include <algorithm>

#include "base/checked.h"
#include "grow/growing.h"
#include "grow/growing_end.h"
#include "io/file.h"
#include "io/growing_file.h"
#include "io/publish.h"
#include "io/replaceable.h"
#include "source/access.h"
#include "source/formats.h"
#include "source/state.h"
#include "tools/in_file.h"
#include "tools/prefix_store.h"
#include "tools/salvage.h"
#include "ztensor/grow.h"

namespace zt {
namespace {

namespace fs = std::filesystem;

// Where the version ends, without what a killed append left behind it.
std::uint64_t end_without_hole(const tools::Version& version, const Limits& limits) {
  const SourceState& state = *Access::state(version.source);
  const model::Encoder* encoder = source::find_encoder(version.source.format());
  if (encoder == nullptr || encoder->edit == nullptr || !version.footer.empty()) return version.length;
  const Region manifest = encoder->locate(*state.store, limits);
  if (manifest.length == 0) return version.length;  // a data shard
  std::vector<std::byte> bytes(static_cast<std::size_t>(manifest.length));
  state.store->read_at(manifest.offset, bytes);
  std::vector<Region> reusable;
  const std::vector<Region> free = encoder->former(*state.store, state.catalog, bytes, reusable);
  return grow::find_former_end(grow::tail_of(*encoder), grow::live_version(*state.store, state.catalog, manifest, free),
                               *state.store)
      .value_or(version.length);
}

// A manifest of 1.x that a killed append had moved past its room (docs/design.md, growing a file): where it can go back to,
// behind the last byte that any entry names. A gap that an append which came to its end may leave is left alone.
std::optional<std::uint64_t> place_before_hole(const tools::Version& version, const Limits& limits) {
  constexpr std::uint64_t kLeastHole = std::uint64_t{128} << 20;
  const SourceState& state = *Access::state(version.source);
  const model::Encoder* encoder = source::find_encoder(version.source.format());
  if (encoder == nullptr || encoder->edit == nullptr || encoder->manifest_alignment != 1) return std::nullopt;
  const Region manifest = encoder->locate(*state.store, limits);
  std::uint64_t end = 8;
  for (std::uint32_t part = 0; part < state.catalog.part_rows(); ++part) {
    const model::Recipe& recipe = state.catalog.part(part).recipe;
    const auto part_end = checked::add(recipe.offset, recipe.stored_length);
    if (!part_end || *part_end > state.store->size()) return std::nullopt;  // a broken entry: nothing is known of it
    end = std::max(end, *part_end);
  }
  if (end > manifest.offset || manifest.offset - end < kLeastHole + manifest.length) return std::nullopt;
  return end;
}

[[noreturn]] void refuse_nothing(const tools::Salvage& salvage) {
  if (!salvage.broken().empty()) {
    throw Error(Code::malformed, "repair.contents",
                "no version of it is whole. The last index ends at " + std::to_string(salvage.broken_end()) + ", but " +
                    salvage.broken());
  }
  throw Error(Code::malformed, "repair.nothing",
              "no whole version is in it: no index was found, so that names and places of its tensors are lost");
}

void check_output(const fs::path& path, const RepairOptions& options) {
  if (!options.output) return;
  const auto target = io::identify(*options.output);
  if (target && target == io::identify(path)) {
    throw Error(Code::usage, "", options.output->string() + ": the output is the input " + path.string());
  }
  io::check_output(*options.output, options.overwrite);
}

// Returns what the copy could not keep of a file that it replaces.
std::vector<std::string> write_copy(const ByteStore& store, std::uint64_t length, std::span<const std::byte> footer,
                                    const RepairOptions& options) {
  constexpr std::uint64_t kChunk = std::uint64_t{4} << 20;
  io::Publication file(*options.output, {.create_new = !options.overwrite, .durable = options.durable});
  run::Meter meter(options.progress, length);
  std::vector<std::byte> buffer;
  for (std::uint64_t done = 0; done < length; done += buffer.size()) {
    buffer.resize(static_cast<std::size_t>(std::min(kChunk, length - done)));
    store.read_at(done, buffer);
    file.write(buffer);
    meter.add(buffer.size());
    meter.poll();
  }
  file.write(footer);
  meter.finish();
  file.publish();
  return file.notes();
}

// What is cut off is behind the last whole version, and nothing before that is touched.
void cut_in_place(io::GrowingFile& file, std::uint64_t length, std::span<const std::byte> footer) {
  file.check_place();
  if (!footer.empty()) file.write(length, footer);  // into a hole, or behind the end: the end stays valid until the cut
  file.sync();
  file.cut(length + footer.size());
  file.sync();
}

}  // namespace

RepairReport repair(const fs::path& path, const RepairOptions& options) {
  check_output(path, options);
  std::unique_ptr<io::GrowingFile> locked;  // no writer comes between looking and cutting
  if (!options.dry_run && !options.output) locked = std::make_unique<io::GrowingFile>(path, options.durable);
  const std::shared_ptr<const ByteStore> store = locked ? locked->store() : io::File::open(path);
  return tools::in_file(path, [&] {
    tools::Salvage salvage(store, path, options.limits, options.progress);
    RepairReport report{.size_before = store->size(), .size_after = store->size()};
    std::optional<tools::Version> version = salvage.whole();
    const bool torn = !version;
    if (torn) version = salvage.last();
    if (!version) refuse_nothing(salvage);
    if (torn && locked && version->footer.empty() && !version->digested) {
      throw Error(Code::malformed, "repair.undigested",
                  "the last whole version ends at " + std::to_string(version->length) +
                      ", but its tensors have no digests: it may be a file inside a tensor of this one");
    }
    if (torn && !salvage.broken().empty() && salvage.broken_end() > version->length) {
      const std::string later = "a later index, which ends at " + std::to_string(salvage.broken_end()) +
                                ", has contents that are not whole: " + salvage.broken();
      if (locked) {
        throw Error(Code::malformed, "repair.later",
                    later + ". The version before it ends at " + std::to_string(version->length));
      }
      report.notes.push_back(later);
    }
    if (!version->footer.empty()) report.notes.emplace_back("its index was whole, only the end behind that was lost");
    std::uint64_t length = end_without_hole(*version, options.limits);
    if (const auto place = version->footer.empty() ? place_before_hole(*version, options.limits) : std::nullopt) {
      length = *place;
      version->footer = tools::ending_at(*version, length, options.limits);
    }
    report.format = version->source.format();
    report.tensors = version->source.size();
    report.size_after = length + version->footer.size();
    if (torn) {
      report.state = RepairReport::State::torn;
    } else if (report.size_after < store->size()) {
      report.state = RepairReport::State::unfinished;
    }
    if (report.state == RepairReport::State::healthy || options.dry_run) return report;
    if (locked) {
      cut_in_place(*locked, length, version->footer);
    } else {
      for (const std::string& note : write_copy(*store, length, version->footer, options)) {
        report.notes.push_back(options.output->string() + ": " + note);
      }
    }
    return report;
  });
}

}  // namespace zt
