// Stops changes of files at each of their system calls. The file must then be the old one or the new one, tensor for
// tensor, and the next change must work.

#include <gtest/gtest.h>
#include <ztensor/ztensor.h>

#include <cerrno>
#include <filesystem>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "memory_file.h"
#include "posix_only.h"
#include "power_loss.h"
#include "random.h"
#include "system_faults.h"
#include "temp_dir.h"

namespace {

namespace fs = std::filesystem;
using zt::WriteMode;
using zt::Writer;
using zt::WriterOptions;
using zt::test::Faults;

// One way to change the file at a path, or to make it.
struct Change {
  const char* name;
  std::function<void(const fs::path&)> prepare;  // makes the old file, or nothing
  std::function<void(const fs::path&)> run;
  bool grows = true;  // the new version can be appended to
};

void PrintTo(const Change& change, std::ostream* out) { *out << change.name; }

zt::Value map_of(const char* key, zt::Value value) { return zt::Value(zt::Value::Map{{key, std::move(value)}}); }

void add(Writer& writer, const char* name, std::uint8_t seed, std::size_t size = 1000, bool replace = false) {
  std::vector<std::uint8_t> bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::uint8_t>(i * 7 + seed);
  zt::AddOptions options;
  if (writer.format() != "zt-1.0") options.attributes = map_of("seed", seed);
  options.replace = replace;
  writer.add(name, {size}, std::span<const std::uint8_t>(bytes), options);
}

void finish(const fs::path& path, const WriterOptions& options, const std::function<void(Writer&)>& fill,
            WriteMode mode = WriteMode::replace) {
  Writer writer = Writer::create(path, mode, options);
  fill(writer);
  writer.finalize();
}

void nothing(const fs::path&) {}

// A model of three tensors; another of two others.
std::function<void(const fs::path&)> old_file(WriterOptions options) {
  options.attributes = map_of("version", "one");
  return [options](const fs::path& path) {
    finish(path, options, [](Writer& w) {
      add(w, "a", 1);
      add(w, "keep", 2, 3000);
      add(w, "z", 3, 10);
    });
  };
}

std::function<void(const fs::path&)> save(WriterOptions options) {
  options.attributes = map_of("version", "two");
  return [options](const fs::path& path) {
    finish(path, options, [](Writer& w) {  // not in the order of names
      add(w, "n", 5, 70000);
      add(w, "keep", 2, 3000);
      add(w, "b", 4);
    });
  };
}

std::function<void(const fs::path&)> grow(const std::function<void(Writer&)>& fill, bool durable = false) {
  return [fill, durable](const fs::path& path) { finish(path, {.durable = durable}, fill, WriteMode::append); };
}

// Everything that a reader finds: names, contents and attributes of tensors, and attributes of the file. "none": no
// file.
std::string version_of(const zt::Source& source) {
  const zt::VerifyReport report = zt::check(source);
  for (const zt::Finding& finding : report.findings) throw finding.error;
  return zt::content_id(source) + zt::json_value(source.attributes());
}
std::string version_at(const fs::path& path) {
  if (!fs::exists(path)) return "none";
  return version_of(zt::open(path, {.threads = 1}));
}

WriterOptions in(const char* format) { return {.to = format}; }
WriterOptions durable(WriterOptions options) {
  options.durable = true;
  return options;
}
WriterOptions floor2() { return {.to = "2", .canonical = false}; }
WriterOptions zstd2() { return {.to = "2", .encoding = zt::Encoding::zstd()}; }
WriterOptions sharded(bool whole) {
  WriterOptions options = in("2");
  options.max_shard_size = 16384;
  options.whole_shards = whole;
  return options;
}

std::vector<Change> saves() {
  return {
      {"New12", nothing, save(in("1.2"))},
      {"New10", nothing, save(in("1.0")), false},
      {"NewCanonical", nothing, save(in("2"))},
      {"NewFloor", nothing, save(floor2())},
      {"NewZstd", nothing, save(zstd2())},
      {"NewDurable12", nothing, save(durable(in("1.2")))},
      {"NewDurable2", nothing, save(durable(in("2")))},
      {"NewLarge", nothing, [](const fs::path& path) { finish(path, {}, [](Writer& w) { add(w, "n", 5, 1200000); }); }},
      {"Replacing12", old_file(in("1.2")), save(in("1.2"))},
      {"Replacing2By12", old_file(in("2")), save(in("1.2"))},
      {"ReplacingCanonical", old_file(in("2")), save(in("2"))},
      {"ReplacingDurable", old_file(floor2()), save(durable(floor2()))},
      {"NewSharded", nothing, save(sharded(false))},
      {"NewWholeShards", nothing, save(sharded(true))},
      {"ReplacingSharded", old_file(sharded(false)), save(sharded(false))},
      {"ReplacingWholeShards", old_file(sharded(true)), save(durable(sharded(true)))},
      {"ReplacingWholeByShards", old_file(floor2()), save(sharded(false))},
  };
}

// All changes that grow a file in place, in the generation of `options`.
std::vector<Change> growths(const WriterOptions& options, const std::vector<const char*>& names) {
  const auto old = old_file(options);
  const std::vector<std::function<void(const fs::path&)>> runs = {
      grow([](Writer& w) { add(w, "new", 9, 5000); }),
      grow([](Writer& w) { add(w, "new", 9, 5000); }, true),
      grow([](Writer& w) { add(w, "keep", 9, 2000, true); }),
      grow([](Writer& w) { w.remove("a"); }),
      grow([](Writer& w) {
        w.set_tensor_attributes("keep", map_of("k", "v"));
        w.set_attributes(map_of("version", "three"));
      }),
      grow([](Writer& w) {
        w.add_alias("tied", "keep");
        w.add_alias("moved", "a");
        w.remove("a");
      }),
      grow([](Writer& w) {
        add(w, "large", 11, 1200000);  // large enough for reserve()
        add(w, "z", 12, 70000, true);
        w.remove("keep");
      }),
  };
  std::vector<Change> out;
  for (std::size_t i = 0; i < runs.size(); ++i) out.push_back({names[i], old, runs[i]});
  return out;
}

std::vector<Change> all() {
  std::vector<Change> out = saves();
  const auto take = [&](const std::vector<Change>& more) { out.insert(out.end(), more.begin(), more.end()); };
  take(growths(in("1.2"),
               {"Append12", "AppendDurable12", "Replace12", "Remove12", "Attributes12", "Aliases12", "Many12"}));
  take(growths(floor2(), {"Append2", "AppendDurable2", "Replace2", "Remove2", "Attributes2", "Aliases2", "Many2"}));
  take(growths(in("2"), {"AppendToCanonical", "AppendDurableToCanonical", "ReplaceInCanonical", "RemoveFromCanonical",
                         "AttributesOfCanonical", "AliasesInCanonical", "ManyInCanonical"}));
  // A file that grew twice before, so it has former manifests.
  const auto grown = [](const WriterOptions& options) {
    return [options](const fs::path& path) {
      old_file(options)(path);
      grow([](Writer& w) { add(w, "first", 21, 200); })(path);
      grow([](Writer& w) { add(w, "second", 22, 200); })(path);
    };
  };
  const auto append = grow([](Writer& w) { add(w, "third", 23, 9000); });
  out.push_back({"AppendToGrown12", grown(in("1.2")), append});
  out.push_back({"AppendToGrown2", grown(floor2()), append});
  out.push_back({"AppendToSharded", old_file(sharded(false)), append});
  return out;
}

class Crash : public testing::TestWithParam<Change> {
 protected:
  void SetUp() override {
    const zt::test::TempDir folder;
    const fs::path path = folder / "m.zt";
    GetParam().prepare(path);
    old_ = version_at(path);
    GetParam().run(path);
    new_ = version_at(path);
    ASSERT_NE(old_, new_);
  }
  bool is_whole(const std::string& version) const { return version == old_ || version == new_; }
  // Whether the change succeeded.
  static bool run(const fs::path& path) {
    try {
      GetParam().run(path);
      return true;
    } catch (const zt::Error& error) {
      EXPECT_EQ(error.code(), zt::Code::io) << error.what();
      return false;
    }
  }
  // Makes the same change again, then appends, and then removes what the append added.
  void expect_goes_on(const fs::path& path, const std::string& found) {
    const Faults quick;
    if (found == old_) GetParam().run(path);
    ASSERT_EQ(version_at(path), new_);
    if (!GetParam().grows) return;
    grow([](Writer& w) { add(w, "after", 77); })(path);
    ASSERT_EQ(zt::open(path).tensor("after").elements(), 1000U);
    grow([](Writer& w) { w.remove("after"); })(path);
    ASSERT_EQ(version_at(path), new_);
  }
  std::string old_, new_;
};

TEST_P(Crash, LeavesTheOldFileOrTheNewOneWhereverItIsKilled) {
  bool hit = true;
  std::size_t at = 0;
  for (; hit; ++at) {
    SCOPED_TRACE(at);
    const zt::test::TempDir folder;
    const fs::path path = folder / "m.zt";
    GetParam().prepare(path);
    {
      const Faults faults(Faults::Kind::die, at);
      run(path);
      hit = faults.hit();
    }
    const std::string found = version_at(path);
    ASSERT_TRUE(is_whole(found)) << found;
    expect_goes_on(path, found);
    if (HasFatalFailure()) return;
  }
  EXPECT_GT(at, 3U);
}

TEST_P(Crash, LeavesTheOldFileWhereverACallFails) {
  for (const Faults::Kind kind : {Faults::Kind::fail, Faults::Kind::short_fail}) {
    for (const int os_error : {ENOSPC, EIO}) {
      bool hit = true;
      for (std::size_t at = 0; hit; ++at) {
        SCOPED_TRACE(std::to_string(at) + (kind == Faults::Kind::fail ? " fails" : " is short"));
        const zt::test::TempDir folder;
        const fs::path path = folder / "m.zt";
        GetParam().prepare(path);
        bool done = false;
        bool published = false;  // the new file was visible before the call that failed
        {
          Faults faults(kind, at, os_error);
          // Half a footer may read as anything: the system does not tear a write inside a page.
          if (kind == Faults::Kind::fail) {
            faults.watch = [&](const zt::io::sys::Event&) { published = published || version_at(path) == new_; };
          }
          done = run(path);
          hit = faults.hit();
        }
        const std::string found = version_at(path);
        ASSERT_TRUE(is_whole(found)) << found;
        ASSERT_TRUE(!done || found == new_);
        if (kind == Faults::Kind::fail) {
          ASSERT_EQ(found == new_, done || published);
        }
        expect_goes_on(path, found);
        if (HasFatalFailure()) return;
      }
    }
  }
}

TEST_P(Crash, ShowsReadersTheOldFileOrTheNewOneAllTheTime) {
  const zt::test::TempDir folder;
  const fs::path path = folder / "m.zt";
  GetParam().prepare(path);
  Faults faults;
  bool was_new = false;
  faults.watch = [&](const zt::io::sys::Event&) {
    const std::string found = version_at(path);
    EXPECT_TRUE(is_whole(found)) << found;
    EXPECT_FALSE(was_new && found != new_) << "it went back";
    was_new = found == new_;
  };
  GetParam().run(path);
  EXPECT_EQ(version_at(path), new_);
}

INSTANTIATE_TEST_SUITE_P(Changes, Crash, testing::ValuesIn(all()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// --- loss of power, with `durable`

class PowerCut : public testing::TestWithParam<Change> {};

TEST_P(PowerCut, LeavesTheOldVersionOrTheNewOneOfAFileThatGrows) {
  const zt::test::TempDir folder;
  const fs::path path = folder / "m.zt";
  GetParam().prepare(path);
  const std::string old_version = version_at(path);
  const zt::test::PowerLoss loss(path);
  GetParam().run(path);
  const std::string new_version = version_at(path);
  ASSERT_NE(old_version, new_version);
  ASSERT_GT(loss.syncs(), 1U);
  std::size_t looked = 0;
  loss.each(4, 61, [&](const std::string& content, std::size_t synced) {
    const auto bytes = std::as_bytes(std::span(content));
    const std::string found = version_of(zt::test::open_bytes({bytes.begin(), bytes.end()}, {.threads = 1}));
    ++looked;
    if (synced == loss.syncs()) {
      EXPECT_EQ(found, new_version);
    } else {
      EXPECT_TRUE(found == old_version || found == new_version) << found;
    }
  });
  EXPECT_GT(looked, 50U);
}

std::vector<Change> durable_growths() {
  const auto append = grow([](Writer& w) { add(w, "new", 9, 5000); }, true);
  const auto many = grow(
      [](Writer& w) {
        add(w, "large", 11, 30000);
        add(w, "z", 12, 7000, true);
        w.add_alias("tied", "keep");
        w.remove("a");
      },
      true);
  const auto grown = [](const WriterOptions& options) {
    return [options](const fs::path& path) {
      old_file(options)(path);
      for (const char* name : {"first", "second", "third"}) grow([&](Writer& w) { add(w, name, 21, 200); })(path);
    };
  };
  return {
      {"Append12", old_file(in("1.2")), append},
      {"Append2", old_file(floor2()), append},
      {"AppendToCanonical", old_file(in("2")), append},
      {"Many12", old_file(in("1.2")), many},
      {"Many2", old_file(floor2()), many},
      {"AppendToGrown12", grown(in("1.2")), append},
      {"AppendToGrown2", grown(floor2()), append},
  };
}

INSTANTIATE_TEST_SUITE_P(Changes, PowerCut, testing::ValuesIn(durable_growths()),
                         [](const auto& tested) { return std::string(tested.param.name); });

// Checks that no file gets a name before its bytes are synced, and no root before the names of its shards are synced.
class SyncOrder final : public zt::io::sys::Hook {
 public:
  SyncOrder() { zt::io::sys::set_hook(this); }
  ~SyncOrder() override { zt::io::sys::set_hook(nullptr); }
  SyncOrder(const SyncOrder&) = delete;
  SyncOrder& operator=(const SyncOrder&) = delete;

  zt::io::sys::Verdict before(const zt::io::sys::Event& event) noexcept override {
    using zt::io::sys::Call;
    zt::io::os::Status status;
    static_cast<void>(zt::io::os::status_of(event.file, status));
    switch (event.call) {
      case Call::write:
      case Call::pwrite:
      case Call::truncate: dirty_.insert(status.identity.inode); break;
      case Call::sync:
      case Call::datasync:
        dirty_.erase(status.identity.inode);
        if (status.kind == zt::io::os::Kind::folder) named_ = 0;
        return {.pretend = true};
      case Call::link:
      case Call::rename: names_.push_back({dirty_, named_++}); break;
      default: break;
    }
    return {};
  }
  struct Naming {
    std::set<ino_t> dirty;    // files whose bytes are not synced
    std::size_t names_loose;  // names that are not synced
  };
  const std::vector<Naming>& names() const { return names_; }
  std::size_t loose_at_end() const { return named_; }

 private:
  std::set<ino_t> dirty_;
  std::size_t named_ = 0;
  std::vector<Naming> names_;
};

TEST(PowerCutSaves, ADurableSaveNamesNothingBeforeItLasts) {
  ZT_POSIX_ONLY("unnamed files");  // a sibling is renamed once before it is written
  for (const WriterOptions& options : {in("1.2"), in("2"), floor2(), sharded(false), sharded(true)}) {
    for (const bool replaces : {false, true}) {
      SCOPED_TRACE(options.to + (replaces ? ", replacing, " : ", new, ") + std::to_string(options.max_shard_size));
      const zt::test::TempDir folder;
      const fs::path path = folder / "m.zt";
      if (replaces) old_file(options)(path);
      const SyncOrder order;
      save(durable(options))(path);
      ASSERT_FALSE(order.names().empty());
      const std::size_t last = order.names().size() - 1;
      for (const auto& entry : fs::directory_iterator(folder.path())) {
        zt::io::os::Status status;
        ASSERT_TRUE(zt::io::os::status_of(entry.path(), status));
        EXPECT_FALSE(order.names()[last].dirty.contains(status.identity.inode)) << entry.path();
      }
      for (std::size_t i = 0; i < order.names().size(); ++i) {
        // A replacement is linked beside its target first, then renamed over it.
        EXPECT_LE(order.names()[i].names_loose, replaces ? 1U : 0U) << i;
      }
      EXPECT_EQ(order.loose_at_end(), 0U);
    }
  }
}

}  // namespace
