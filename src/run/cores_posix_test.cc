#include "run/cores.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

namespace zt::run {
namespace {

namespace fs = std::filesystem;

// A made-up /proc/self/cgroup and /sys/fs/cgroup.
class Quota : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "cores_test_XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    root_ = name;
  }
  void TearDown() override { fs::remove_all(root_); }

  void put(const fs::path& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }
  std::optional<unsigned> cores() { return quota_cores(root_ / "self", root_ / "sys"); }

 private:
  fs::path root_;
};

TEST_F(Quota, IsReadFromVersion2) {
  put("self", "0::/a/b\n");
  put("sys/a/b/cpu.max", "300000 100000\n");
  EXPECT_EQ(cores(), 3u);
}

TEST_F(Quota, IsTheLeastOfAllGroupsAbove) {
  put("self", "0::/a/b\n");
  put("sys/cpu.max", "800000 100000\n");
  put("sys/a/cpu.max", "150000 100000\n");
  put("sys/a/b/cpu.max", "max 100000\n");
  EXPECT_EQ(cores(), 2u) << "one and a half";
}

TEST_F(Quota, IsReadFromVersion1) {
  put("self", "4:memory:/x\n2:cpuacct,cpu:/docker/abc\n0::/\n");
  put("sys/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
  put("sys/cpu/cpu.cfs_quota_us", "50000\n");
  put("sys/cpu/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cores(), 1u);
}

TEST_F(Quota, IsNoneWhereNothingSaysOne) {
  EXPECT_EQ(cores(), std::nullopt) << "no file at all";
  put("self", "junk\n1:cpuset:/\n0::/\n");
  EXPECT_EQ(cores(), std::nullopt);
  for (const char* text : {"max 100000\n", "", "0 100000\n", "100000 0\n", "100000\n", "x y\n", "-5 100\n"}) {
    put("sys/cpu.max", text);
    EXPECT_EQ(cores(), std::nullopt) << text;
  }
}

TEST(AffinityCores, AreAtLeastOne) { EXPECT_GE(affinity_cores(), 1u); }

}  // namespace
}  // namespace zt::run
