#include "ztensor/shards.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "base/utf8.h"
#include "child.h"
#include "errors.h"
#include "hash/running.h"
#include "io/file.h"
#include "io/system.h"
#include "many_threads.h"
#include "source/shards.h"
#include "source/state.h"
#include "temp_dir.h"
#include "ztensor/source.h"
#include "ztensor/verify.h"
#include "ztensor/writer.h"

namespace zt {
namespace {

using test::TempDir;
using test::write_file;

constexpr std::uint64_t kAt = 4096;

// A data shard: bytes between the ends of a file of generation 2.
std::string shard_file(std::string_view content) {
  const std::string magic = "\x89ZT2\r\n\x1a\n";
  std::string file = magic;
  file.resize(kAt);
  file += content;
  file += std::string(24, '\0') + '\2' + std::string(7, '\0') + magic;
  return file;
}

std::string digest_text(std::string_view bytes, Checksum algorithm) {
  hash::RunningDigest digest(algorithm);
  digest.update(as_bytes(bytes));
  return hash::format_digest(digest.finish());
}

model::FileRow row_of(const std::string& name, const std::string& file, Checksum algorithm = Checksum::sha256) {
  return {name, file.size(), digest_text(file, algorithm)};
}

// A root of generation 2 with a tensor of `size` bytes in each shard, named as the shard.
Source root(const std::filesystem::path& path, std::vector<model::FileRow> shards, std::uint64_t size,
            std::shared_ptr<const Resolver> resolver = {}) {
  model::Catalog catalog;
  catalog.format = "zt-2";
  catalog.decoded_digests = true;
  const std::uint64_t shape[] = {size};
  for (std::uint16_t i = 0; i < shards.size(); ++i) {
    catalog.add_tensor(shards[i].name, shape, "dense", {});
    catalog.add_part(
        "data", DType::u8,
        {.offset = kAt, .stored_length = size, .decoded_length = size, .file = static_cast<std::uint16_t>(i + 1)}, "");
  }
  catalog.files = std::move(shards);
  OpenOptions options;
  options.resolver = std::move(resolver);
  return source::make_source({.store = std::make_shared<MemoryStore>(std::vector<std::byte>(100)),
                              .path = path,
                              .name = path.empty() ? "memory.zt" : path.string()},
                             std::move(catalog), options);
}

std::string text_of(const Tensor& tensor) {
  const std::vector<std::uint8_t> bytes = tensor.read<std::uint8_t>();
  return {bytes.begin(), bytes.end()};
}

const std::string kFirst = shard_file("first");
const std::string kOther = shard_file("other");

TEST(Shards, AreFoundBesideTheFileUnderItsName) {
  const TempDir dir;
  write_file(dir / "model-a.zt", kFirst);
  write_file(dir / "model-b.zt", kOther);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst), row_of("b", kOther)}, 5);
  EXPECT_EQ(text_of(source.tensor("a")), "first");
  EXPECT_EQ(text_of(source.tensor("b")), "other");
  const Bytes mapped = source.tensor("b").map();
  EXPECT_EQ(as_text(mapped.view()), "other");
  EXPECT_EQ(source.tensor("b").data().shard(), "b");
  EXPECT_EQ(source.tensor("b").data().file_number(), 2U);
  std::vector<std::byte> out(2);
  source.tensor("b").read_slice({rows(3, 5)}, out);
  EXPECT_EQ(as_text(out), "er");
  EXPECT_EQ(source.files(), 3U);
}

TEST(Shards, AreToldWithWhatTheFileSaysOfThemAndWhereTheirPartsLie) {
  const TempDir dir;
  const model::FileRow row = row_of("a", kFirst);
  const Source source = root(dir / "model.zt", {row}, 5);
  const ShardIdentity shard = source.shard(0);
  EXPECT_EQ(shard.name, "a");
  EXPECT_EQ(shard.size, kFirst.size());
  EXPECT_EQ(shard.digest, row.digest);
  EXPECT_EQ(test::error_of([&] { (void)source.shard(1); }).code(), Code::not_found);
  const Part part = source.tensor("a").data();
  EXPECT_EQ(part.location().path, dir / "model-a.zt");  // where it is expected
  write_file(dir / "other.zt", kFirst);
  const Location found = part.location();
  EXPECT_EQ(found.path, dir / "other.zt");
  EXPECT_EQ(found.offset, kAt);
  EXPECT_EQ(found.length, 5U);
}

TEST(Shards, AreMappedAsAWhole) {
  const TempDir dir;
  write_file(dir / "model-a.zt", kFirst);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst)}, 5);
  const Part part = source.tensor("a").data();
  const Bytes whole = source.map_file(part.file_number());
  EXPECT_EQ(as_text(whole.view()), kFirst);
  const Bytes mapped = part.map();
  EXPECT_EQ(mapped.view().data(), whole.view().data() + kAt);
  EXPECT_EQ(source.map_file(0).size(), 100U);
  EXPECT_EQ(test::error_of([&] { (void)source.map_file(2); }).code(), Code::not_found);
}

TEST(Shards, AreFoundByContentOrIdentityWhereTheyHaveOtherNames) {
  const TempDir dir;
  for (const Checksum algorithm : {Checksum::sha256, Checksum::xxh3}) {
    const model::FileRow first = row_of("a", kFirst, algorithm);
    const std::size_t colon = first.digest.find(':');
    std::filesystem::create_directories(dir / "blobs/" / first.digest.substr(0, colon));
    write_file(dir / "blobs" / first.digest.substr(0, colon) / first.digest.substr(colon + 1), kFirst);
    write_file(dir / "1.zt", shard_file("wrong"));
    write_file(dir / "2.zt", "too short");
    write_file(dir / "3.zt", kOther);
    write_file(dir / "4.txt", kOther);
    const Source source = root(dir / "model.zt", {first, row_of("b", kOther, algorithm)}, 5);
    EXPECT_EQ(text_of(source.tensor("b")), "other");
    EXPECT_EQ(text_of(source.tensor("a")), "first");
    EXPECT_EQ(source.paths().back(), dir / "3.zt");
    write_file(dir / "3.zt", shard_file("OTHER"));
    EXPECT_EQ(shards_by_identity(dir.path())->find({"b", kOther.size(), row_of("b", kOther).digest}), nullptr);
  }
}

TEST(Shards, AreFoundBesideEveryFileThatALinkLeadsTo) {
  ZT_POSIX_ONLY("links that anyone may make");
  const TempDir dir;
  for (const char* folder : {"store", "middle", "here"}) std::filesystem::create_directory(dir / folder);
  write_file(dir / "store/model.zt", "");
  write_file(dir / "store/model-a.zt", kFirst);
  write_file(dir / "middle/named-b.zt", kOther);
  std::filesystem::create_symlink(dir / "store/model.zt", dir / "middle/named.zt");
  std::filesystem::create_symlink("../middle/named.zt", dir / "here/link.zt");
  const std::vector<model::FileRow> rows = {row_of("a", kFirst), row_of("b", kOther)};
  const Source source = root(dir / "here/link.zt", rows, 5);
  EXPECT_EQ(source.paths()[1], dir / "store/model-a.zt") << "known before it is opened";
  EXPECT_EQ(text_of(source.tensor("a")), "first");
  EXPECT_EQ(text_of(source.tensor("b")), "other");
  write_file(dir / "here/link-a.zt", shard_file("nearer"));
  const Source near = root(dir / "here/link.zt", {row_of("a", shard_file("nearer"))}, 6);
  EXPECT_EQ(text_of(near.tensor("a")), "nearer");
}

TEST(Shards, OfALinkInALoopAreMissing) {
  ZT_POSIX_ONLY("links that anyone may make");
  const TempDir dir;
  std::filesystem::create_symlink("loop.zt", dir / "loop.zt");
  const Source source = root(dir / "loop.zt", {row_of("a", kFirst)}, 5);
  EXPECT_EQ(test::error_of([&] { text_of(source.tensor("a")); }).os_error(), ENOENT);
}

TEST(Shards, OfASaveThroughALinkLieBesideTheFileThatIsWritten) {
  ZT_POSIX_ONLY("links that anyone may make");
  const TempDir dir;
  std::filesystem::create_directory(dir / "models");
  std::filesystem::create_symlink("models/big.zt", dir / "link.zt");
  const std::vector<float> data(1000, 1.5F);
  Writer writer = Writer::create(dir / "link.zt", {.to = "2", .max_shard_size = 8192});
  for (const char* name : {"a", "b", "c"}) writer.add(name, {1000}, std::span<const float>(data));
  writer.finalize();
  EXPECT_EQ(dir.count(), 2U);
  for (const char* name : {"models/big.zt", "link.zt"}) {
    const Source source = open(dir / name);
    EXPECT_GT(source.files(), 1U);
    for (const Tensor tensor : source) EXPECT_EQ(tensor.read<float>(), data);
    EXPECT_TRUE(verify(source).unreadable.empty());
  }
}

TEST(Shards, ByIdentitySeeThatACandidateHasChanged) {
  const TempDir dir;
  write_file(dir / "1.zt", kFirst);
  const auto resolver = shards_by_identity(dir.path());
  const ShardIdentity other{"b", kOther.size(), row_of("b", kOther).digest};
  EXPECT_EQ(resolver->find(other), nullptr);
  EXPECT_EQ(resolver->find({"b", kOther.size(), "blake3:00"}), nullptr);
  std::filesystem::remove(dir / "1.zt");
  write_file(dir / "1.zt", kOther);
  std::filesystem::last_write_time(dir / "1.zt",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::seconds(5));
  write_file(dir / "2.zt", kOther);
  EXPECT_NE(resolver->find(other), nullptr);
}

TEST(Shards, AreNotNeededBeforeATensorIs) {
  const TempDir dir;
  const Source source = root(dir / "model.zt", {row_of("a", kFirst), row_of("b", kOther)}, 5);
  EXPECT_EQ(source.size(), 2U);
  EXPECT_EQ(source.paths(),
            (std::vector<std::filesystem::path>{dir / "model.zt", dir / "model-a.zt", dir / "model-b.zt"}));
  write_file(dir / "model-b.zt", kOther);
  EXPECT_EQ(text_of(source.tensor("b")), "other");
  const Error missing = test::error_of([&] { text_of(source.tensor("a")); });
  EXPECT_EQ(missing.code(), Code::io);
  EXPECT_EQ(missing.os_error(), ENOENT);
  EXPECT_EQ(missing.path(), (dir / "model-a.zt").string());
  EXPECT_NE(std::string(missing.what()).find("'a'"), std::string::npos) << missing.what();
  EXPECT_EQ(test::error_of([&] { (void)source.tensor("a").map(); }).os_error(), ENOENT);
  write_file(dir / "model-a.zt", kFirst);
  EXPECT_EQ(text_of(source.tensor("a")), "first") << "failures are not remembered";
}

TEST(Shards, OfASourceInMemoryNeedAResolver) {
  const Source alone = root({}, {row_of("a", kFirst)}, 5);
  const Error error = test::error_of([&] { text_of(alone.tensor("a")); });
  EXPECT_EQ(error.code(), Code::unsupported);
  EXPECT_STREQ(error.rule(), "shard.missing");
  EXPECT_TRUE(alone.paths().empty());

  class Own final : public Resolver {
   public:
    std::shared_ptr<const ByteStore> find(const ShardIdentity& shard) const override {
      if (shard.name != "a") return nullptr;
      return std::make_shared<MemoryStore>(std::vector<std::byte>(as_bytes(kFirst).begin(), as_bytes(kFirst).end()));
    }
  };
  const Source source = root({}, {row_of("a", kFirst), row_of("b", kOther)}, 5, std::make_shared<Own>());
  EXPECT_EQ(text_of(source.tensor("a")), "first");
  EXPECT_STREQ(test::error_of([&] { text_of(source.tensor("b")); }).rule(), "shard.missing");
}

TEST(Shards, AreOfTheSizeAndTheFormatThatTheyShouldBe) {
  const TempDir dir;
  const Source source = root(dir / "model.zt", {row_of("a", kFirst)}, 5);
  const auto rule = [&](const std::string& file) {
    write_file(dir / "model-a.zt", file);
    const Error error = test::error_of([&] { text_of(source.tensor("a")); });
    EXPECT_EQ(error.code(), Code::malformed);
    return std::string(error.rule());
  };
  EXPECT_EQ(rule(kFirst + "x"), "shard.size");
  EXPECT_EQ(rule(""), "shard.size");
  for (const std::size_t at : {std::size_t{0}, kFirst.size() - 1, kFirst.size() - 16}) {
    std::string file = kFirst;
    file[at] ^= 1;
    EXPECT_EQ(rule(file), "shard.magic") << at;
  }
  const std::string small = "\x89ZT2\r\n\x1a\n";
  const Source tiny = root(dir / "model.zt", {row_of("a", small)}, 0);
  write_file(dir / "model-a.zt", small);
  EXPECT_STREQ(test::error_of([&] { tiny.tensor("a").data().check(); }).rule(), "shard.magic");
}

TEST(Shards, AreNeverFoundByANameThatIsAPath) {
  const TempDir dir;
  write_file(dir / "model-", kFirst);
  for (const char* name : {"", ".a", "../a", "a/b", "a b", "a\n", "ä"}) {
    const Source source = root(dir / "model.zt", {{name, kFirst.size(), "xxh3:0000000000000001"}}, 5);
    EXPECT_STREQ(test::error_of([&] { text_of(source.tensor(name)); }).rule(), "shard.name") << name;
  }
  EXPECT_TRUE(shards_by_content("x")->place({"a", 1, "sha256:../../etc"}).empty());
}

TEST(Shards, AreCheckedAsAWholeWhenThatIsAskedFor) {
  const TempDir dir;
  std::string changed = kFirst;
  changed[100] = 'x';  // outside of all tensors' bytes
  write_file(dir / "model-a.zt", changed);
  write_file(dir / "model-b.zt", kOther);
  model::FileRow unknown = row_of("c", kOther);
  unknown.digest = "blake3:00";
  write_file(dir / "model-c.zt", kOther);
  model::FileRow misshapen = row_of("d", kOther);
  misshapen.digest = "xxh3:1";
  write_file(dir / "model-d.zt", kOther);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst), row_of("b", kOther), unknown, misshapen}, 5);
  EXPECT_TRUE(check(source).findings.empty());
  const VerifyReport report = check(source, {.shards = true});
  ASSERT_EQ(report.findings.size(), 2U);
  EXPECT_EQ(report.findings[0].tensor, "");
  for (const Finding& finding : report.findings) {
    EXPECT_EQ(finding.error.code(), Code::mismatch);
    EXPECT_STREQ(finding.error.rule(), "shard.digest");
  }
  EXPECT_EQ(report.shards, std::vector<std::string>{"b"});
}

TEST(Shards, AreFindingsOfACheckWhenTheyAreMissing) {
  const TempDir dir;
  write_file(dir / "model-b.zt", kOther);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst), row_of("b", kOther)}, 5);
  const VerifyReport report = check(source, {.shards = true});
  ASSERT_EQ(report.findings.size(), 2U) << "one of the tensor, and one of the shard";
  EXPECT_EQ(report.findings[0].tensor, "a");
  EXPECT_EQ(report.findings[1].tensor, "");
  EXPECT_EQ(report.findings[0].error.os_error(), ENOENT);
  EXPECT_EQ(report.undigested, std::vector<std::string>{"b"});
}

TEST(ThreadsShards, AreLookedForOnce) {
  class Counting final : public Resolver {
   public:
    std::shared_ptr<const ByteStore> find(const ShardIdentity&) const override {
      ++count;
      return std::make_shared<MemoryStore>(std::vector<std::byte>(as_bytes(kFirst).begin(), as_bytes(kFirst).end()));
    }
    mutable std::atomic<int> count = 0;
  };
  const auto resolver = std::make_shared<Counting>();
  const Source source = root({}, {row_of("a", kFirst)}, 5, resolver);
  test::together(8, [&](std::size_t) {
    EXPECT_EQ(text_of(source.tensor("a")), "first");
    EXPECT_TRUE(source.paths().empty());
  });
  EXPECT_EQ(resolver->count, 1);
}

TEST(ThreadsShards, AreLookedForAgainByEachThatMissesOne) {
  const TempDir dir;
  const Source source = root(dir / "model.zt", {row_of("a", kFirst)}, 5);
  test::together(
      4, [&](std::size_t) { EXPECT_EQ(test::error_of([&] { text_of(source.tensor("a")); }).os_error(), ENOENT); });
  write_file(dir / "model-a.zt", kFirst);
  test::together(4, [&](std::size_t) { EXPECT_EQ(text_of(source.tensor("a")), "first"); });
}

// One thread hashes each candidate, while the others wait for the result.
TEST(ThreadsResolvers, FindByIdentityWhatSeveralAskFor) {
  const TempDir dir;
  write_file(dir / "1.zt", kFirst);
  write_file(dir / "2.zt", kOther);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst), row_of("b", kOther)}, 5);
  test::together(6, [&](std::size_t thread) {
    EXPECT_EQ(text_of(source.tensor(thread % 2 == 0 ? "a" : "b")), thread % 2 == 0 ? "first" : "other");
    EXPECT_EQ(source.paths()[thread % 2 + 1], dir / (thread % 2 == 0 ? "1.zt" : "2.zt"));
  });
}

// --- processes ---

// A place where a thread of the parent stops until the test releases it. Children never stop there.
class Stop {
 public:
  void pass() {
    if (run::process_id() != parent_) return;
    reached_ = true;
    reached_.notify_one();
    open_.wait(false);
  }
  void wait_until_reached() { reached_.wait(false); }
  void let_go() {
    open_ = true;
    open_.notify_one();
  }

 private:
  std::int64_t parent_ = run::process_id();
  std::atomic<bool> reached_ = false;
  std::atomic<bool> open_ = false;
};

TEST(Shards, AreFoundInAChildWhileAThreadOfItsParentLooksForThem) {
  ZT_POSIX_ONLY("fork");
  class Slow final : public Resolver {
   public:
    std::shared_ptr<const ByteStore> find(const ShardIdentity&) const override {
      stop.pass();
      return std::make_shared<MemoryStore>(std::vector<std::byte>(as_bytes(kFirst).begin(), as_bytes(kFirst).end()));
    }
    mutable Stop stop;
  };
  const auto resolver = std::make_shared<Slow>();
  const Source source = root({}, {row_of("a", kFirst)}, 5, resolver);
  std::thread reader([&] { EXPECT_EQ(text_of(source.tensor("a")), "first"); });
  resolver->stop.wait_until_reached();
  EXPECT_TRUE(test::in_child([&] { return source.paths().empty() && text_of(source.tensor("a")) == "first"; }));
  resolver->stop.let_go();
  reader.join();
}

TEST(Shards, AreFoundByIdentityInAChildWhileAThreadOfItsParentHashesThem) {
  ZT_POSIX_ONLY("fork");
  class StopAtRead final : public io::sys::Hook {
   public:
    StopAtRead() { io::sys::set_hook(this); }
    ~StopAtRead() override { io::sys::set_hook(nullptr); }
    io::sys::Verdict before(const io::sys::Event&) noexcept override { return {}; }
    void reading(int, std::uint64_t, std::uint64_t) noexcept override { stop.pass(); }
    Stop stop;
  };
  const TempDir dir;
  write_file(dir / "1.zt", kFirst);
  write_file(dir / "2.zt", kOther);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst), row_of("b", kOther)}, 5);
  StopAtRead hook;
  std::thread reader([&] { EXPECT_EQ(text_of(source.tensor("a")), "first"); });
  hook.stop.wait_until_reached();
  EXPECT_TRUE(
      test::in_child([&] { return text_of(source.tensor("a")) == "first" && text_of(source.tensor("b")) == "other"; }));
  hook.stop.let_go();
  reader.join();
}

TEST(Shards, ThatWereFoundBeforeAForkAreNotLookedForAgain) {
  ZT_POSIX_ONLY("fork");
  const TempDir dir;
  write_file(dir / "model-a.zt", kFirst);
  const Source source = root(dir / "model.zt", {row_of("a", kFirst)}, 5);
  EXPECT_EQ(text_of(source.tensor("a")), "first");
  std::filesystem::remove(dir / "model-a.zt");
  EXPECT_TRUE(test::in_child([&] { return text_of(source.tensor("a")) == "first"; }));
}

// --- parts that are views ---

Source viewed(const model::View& view, std::vector<std::byte> blob, std::uint64_t decoded, std::uint8_t swap = 0) {
  model::Catalog catalog;
  const std::uint64_t size = blob.size();
  catalog.format = "zt-0.1";
  const std::uint64_t shape[] = {decoded};
  catalog.add_tensor("w", shape, "dense", {});
  catalog.add_part(
      "data", DType::u8,
      {.offset = 0, .stored_length = size, .decoded_length = decoded, .view = catalog.add_view(view), .swap = swap},
      "");
  return source::make_source({.store = std::make_shared<MemoryStore>(std::move(blob)), .path = {}, .name = "memory.zt"},
                             std::move(catalog), {});
}

TEST(Part, MapsARangeOfABlobAndNoOtherView) {
  constexpr std::uint64_t kTwo[] = {2};
  constexpr std::int64_t kTogether[] = {4};
  constexpr std::int64_t kApart[] = {8};
  std::vector<std::byte> blob(16);
  for (std::size_t i = 0; i < blob.size(); ++i) blob[i] = static_cast<std::byte>('a' + i);
  model::View view{.blob_length = 16, .start = 4, .shape = kTwo, .strides = kTogether, .element_bytes = 4};
  EXPECT_TRUE(viewed(view, blob, 8).tensor("w").data().mappable());
  const Bytes mapped = viewed(view, blob, 8).tensor("w").data().map();
  EXPECT_EQ(as_text(mapped.view()), "efghijkl");
  const Source swapped = viewed(view, blob, 8, 4);
  EXPECT_FALSE(swapped.tensor("w").data().mappable());
  EXPECT_EQ(test::error_of([&] { (void)swapped.tensor("w").data().map(); }).code(), Code::unsupported);
  EXPECT_EQ(text_of(swapped.tensor("w")), "hgfelkji");
  view.start = 0;
  view.strides = kApart;
  const Source apart = viewed(view, blob, 8);
  EXPECT_FALSE(apart.tensor("w").data().mappable());
  EXPECT_EQ(test::error_of([&] { (void)apart.tensor("w").data().map(); }).code(), Code::unsupported);
  EXPECT_EQ(text_of(apart.tensor("w")), "abcdijkl");
}

}  // namespace
}  // namespace zt
