#include "io/growing_file.h"
#include "library/growing.h"
#include "library/in_file.h"
#include "library/rewrite.h"
#include "library/state.h"
#include "run/progress.h"
#include "ztensor/grow.h"
#include "ztensor/shards.h"

namespace zt {
namespace library {

Source open_at(std::shared_ptr<const ByteStore> store, const std::filesystem::path& path, const Limits& limits) {
  OpenOptions options;
  options.limits = limits;
  options.resolver = shards_of(path);
  return open(std::move(store), path.string(), options);
}

std::uint64_t reclaimable(const Source& source, const Limits& limits) {
  try {
    const Rewrite rewrite(source, {}, limits);
    return source.stored_size() - std::min(source.stored_size(), rewrite.size());
  } catch (const Error&) {
    return 0;
  }
}

}  // namespace library

CompactReport compact(const std::filesystem::path& path, const CompactOptions& options) {
  // Held to the end: whoever grew the file meanwhile would grow one that is about to be replaced.
  const io::GrowingFile locked(path, options.durable);
  const Source source = library::open_at(locked.store(), path, options.limits);
  return library::in_file(path, [&] {
    library::check_no_own_shard(path, source.state()->catalog);
    const library::Rewrite rewrite(source, {}, options.limits);
    CompactReport report{.changed = rewrite.size() < source.stored_size(),
                         .tensors = rewrite.tensors(),
                         .size_before = source.stored_size(),
                         .size_after = source.stored_size()};
    if (!report.changed) return report;
    run::Meter meter(options.progress, rewrite.work());
    report.notes = rewrite.publish({.path = path, .durable = options.durable}, meter, [&] {
      meter.finish();  // the last chance to stop
      locked.check_place();
    });
    report.size_after = rewrite.size();
    return report;
  });
}

}  // namespace zt
