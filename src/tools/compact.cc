#include "grow/revision.h"
#include "io/locked_file.h"
#include "run/progress.h"
#include "source/access.h"
#include "source/state.h"
#include "tools/in_file.h"
#include "tools/rewrite.h"
#include "ztensor/grow.h"
#include "ztensor/paths.h"
#include "ztensor/shards.h"

namespace zt {
namespace tools {

Source open_at(std::shared_ptr<const ByteStore> store, const std::filesystem::path& path, const Limits& limits) {
  OpenOptions options;
  options.limits = limits;
  options.resolver = shards_of(path);
  return open(std::move(store), utf8_of(path), options);
}

}  // namespace tools

CompactReport compact(const std::filesystem::path& path, const CompactOptions& options) {
  // Keep the lock to the end: the file is about to be replaced, and an append meanwhile would be lost.
  const io::LockedFile locked(path, options.durable);
  const Source source = tools::open_at(locked.store(), path, options.limits);
  return tools::in_file(path, [&] {
    grow::check_no_own_shard(path, Access::state(source)->catalog);
    const tools::Rewrite rewrite(source, {}, options.limits);
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
