#include "io/beneath.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "base/utf8.h"
#include "temp_dir.h"
#include "ztensor/error.h"

namespace zt::io {
namespace {

namespace fs = std::filesystem;
using test::TempDir;
using test::write_file;

const std::string kHash(64, 'a');

class Beneath : public testing::TestWithParam<Walk> {
 protected:
  Beneath() {
    fs::create_directories(dir / "model/sub");
    write_file(dir / "model/model.onnx", "model");
    write_file(dir / "model/w.bin", "weights");
    write_file(dir / "model/sub/w.bin", "deeper");
    write_file(dir / "secret", "secret");
  }

  // The content of the file; or the rule that it breaks, or the name of errno.
  std::string read(std::string_view relative, std::string_view folder = "model") const {
    try {
      const auto self = File::open(dir / "model/model.onnx");
      const auto file = open_beneath(dir / folder, relative, self->identity(), GetParam());
      std::string content(static_cast<std::size_t>(file->size()), '\0');
      file->read_at(0, std::as_writable_bytes(std::span(content.data(), content.size())));
      return content;
    } catch (const Error& error) {
      return error.code() == Code::refused ? error.rule() : std::to_string(error.os_error());
    }
  }
  void link(const std::string& target, std::string_view name) const { fs::create_symlink(target, dir / name); }

  TempDir dir;
};

INSTANTIATE_TEST_SUITE_P(Walks, Beneath, testing::Values(Walk::kernel, Walk::components));

TEST_P(Beneath, OpensFilesOfTheFolderAndBelowIt) {
  EXPECT_EQ(read("w.bin"), "weights");
  EXPECT_EQ(read("sub/w.bin"), "deeper");
  EXPECT_EQ(read("none.bin"), std::to_string(ENOENT));
  EXPECT_EQ(read("none/w.bin"), std::to_string(ENOENT));
  EXPECT_EQ(read("w.bin/x"), std::to_string(ENOTDIR));
  link("model", "linked");
  EXPECT_EQ(read("w.bin", "linked"), "weights") << "the caller chose this folder";
}

TEST_P(Beneath, FollowsNoLink) {
  link("../secret", "model/final.bin");
  link("w.bin", "model/beside.bin");
  link(dir.path().native(), "model/up");
  link("/proc/self/fd", "model/fd");
  link("loop.bin", "model/loop.bin");
  for (const char* name : {"final.bin", "beside.bin", "up/secret", "fd/0", "loop.bin"}) {
    EXPECT_EQ(read(name), "external.link") << name;
  }
}

TEST_P(Beneath, RefusesWhatIsNoFileOfItsOwn) {
  ASSERT_EQ(::mkfifo((dir / "model/fifo").c_str(), 0600), 0);
  ASSERT_EQ(::link((dir / "secret").c_str(), (dir / "model/hard.bin").c_str()), 0);
  EXPECT_EQ(read("sub"), "external.regular");
  EXPECT_EQ(read("fifo"), "external.regular") << "and it does not wait for a writer";
  EXPECT_EQ(read("hard.bin"), "external.regular");
  EXPECT_EQ(read("model.onnx"), "external.self");
}

class HubCache : public Beneath {
 protected:
  HubCache() {
    fs::create_directories(dir / "hub/blobs");
    fs::create_directories(dir / "hub/snapshots/main/onnx");
    write_file(dir / "hub/blobs" / kHash, "blob");
  }
  std::string read_cached(std::string_view relative) const { return read(relative, "hub/snapshots/main"); }
};

INSTANTIATE_TEST_SUITE_P(Walks, HubCache, testing::Values(Walk::kernel, Walk::components));

TEST_P(HubCache, FollowsLinksToBlobs) {
  link("../../blobs/" + kHash, "hub/snapshots/main/w.bin");
  link("../../../blobs/" + kHash, "hub/snapshots/main/onnx/w.bin");
  EXPECT_EQ(read_cached("w.bin"), "blob");
  EXPECT_EQ(read_cached("onnx/w.bin"), "blob");
  EXPECT_EQ(read("w.bin", "hub/snapshots/main/onnx"), "blob");
  link("hub/snapshots/main", "checkout");
  EXPECT_EQ(read("w.bin", "checkout"), "blob") << "the folder may be reached through a link";
}

TEST_P(HubCache, FollowsNoOtherLink) {
  write_file(dir / "hub/secret", "secret");
  link("../../../secret", "hub/blobs/" + std::string(40, 'b'));
  link("../../secret", "hub/snapshots/main/secret.bin");
  link("../../blobs/../secret", "hub/snapshots/main/up.bin");
  link("../../blobs/" + std::string(40, 'b'), "hub/snapshots/main/twice.bin");
  link("../blobs/" + kHash, "hub/snapshots/main/near.bin");
  link("../../../hub/blobs/" + kHash, "hub/snapshots/main/round.bin");
  link((dir / "hub/blobs").native() + "/" + kHash, "hub/snapshots/main/absolute.bin");
  link("../../blobs/" + std::string(40, 'c'), "hub/snapshots/main/dangling.bin");
  for (const char* name : {"secret", "up", "twice", "near", "round", "absolute"}) {
    EXPECT_EQ(read_cached(std::string(name) + ".bin"), "external.link") << name;
  }
  EXPECT_EQ(read_cached("dangling.bin"), std::to_string(ENOENT)) << "the blob is not here yet";
  fs::create_directories(dir / "other/main");
  fs::create_directories(dir / "blobs");
  write_file(dir / "blobs" / kHash, "blob");
  link("../../blobs/" + kHash, "other/main/w.bin");
  EXPECT_EQ(read("w.bin", "other/main"), "external.link") << "no folder here is named snapshots";
}

}  // namespace
}  // namespace zt::io
