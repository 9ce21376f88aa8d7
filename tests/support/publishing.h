#pragma once

#include <filesystem>
#include <string_view>

#include <gtest/gtest.h>

#include "base/utf8.h"
#include "io/publish.h"
#include "temp_dir.h"

namespace zt::test {

inline void save(const std::filesystem::path& path, std::string_view content, const io::PublishOptions& options) {
  io::Publication file(path, options);
  file.write(as_bytes(content));
  file.publish();
}

// Every law of saving holds for unnamed files, and for the named files that replace them on other systems.
class Publishing : public ::testing::TestWithParam<bool> {
 protected:
  io::PublishOptions options() const { return {.unnamed = GetParam()}; }
  io::PublishOptions create_new() const { return {.create_new = true, .unnamed = GetParam()}; }
  TempDir dir_;
};

}  // namespace zt::test
