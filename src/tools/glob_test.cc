#include "tools/glob.h"

#include <gtest/gtest.h>

#include <string>

namespace zt::tools {
namespace {

TEST(Glob, MatchesTheWholeText) {
  EXPECT_TRUE(matches_glob("", ""));
  EXPECT_FALSE(matches_glob("", "a"));
  EXPECT_TRUE(matches_glob("layer.0", "layer.0"));
  EXPECT_FALSE(matches_glob("layer", "layer.0"));
  EXPECT_FALSE(matches_glob("layer.0", "layer"));
}

TEST(Glob, StarTakesAnyRunDotsAndSlashesToo) {
  EXPECT_TRUE(matches_glob("*", ""));
  EXPECT_TRUE(matches_glob("*", "a.b/c"));
  EXPECT_TRUE(matches_glob("**", "x"));
  EXPECT_TRUE(matches_glob("*.weight", "layers.0.weight"));
  EXPECT_TRUE(matches_glob("a*b*c", "a-b-b-c"));
  EXPECT_FALSE(matches_glob("a*b*c", "a-b-b"));
  EXPECT_TRUE(matches_glob("*ab", "aab"));
}

TEST(Glob, QuestionMarkTakesOneByte) {
  EXPECT_TRUE(matches_glob("layer.?", "layer.7"));
  EXPECT_FALSE(matches_glob("layer.?", "layer.17"));
  EXPECT_FALSE(matches_glob("?", ""));
  EXPECT_TRUE(matches_glob("??", "\xC3\xA4"));
}

TEST(Glob, SetsTakeOneOfTheirs) {
  EXPECT_TRUE(matches_glob("[abc]", "b"));
  EXPECT_FALSE(matches_glob("[abc]", "d"));
  EXPECT_TRUE(matches_glob("layer.[0-9]", "layer.5"));
  EXPECT_FALSE(matches_glob("layer.[0-9]", "layer.x"));
  EXPECT_TRUE(matches_glob("[!0-9]", "x"));
  EXPECT_TRUE(matches_glob("[^0-9]", "x"));
  EXPECT_FALSE(matches_glob("[!0-9]", "5"));
  EXPECT_FALSE(matches_glob("[!0-9]", ""));
  EXPECT_TRUE(matches_glob("[]]", "]"));
  EXPECT_TRUE(matches_glob("[a-]", "-"));
  EXPECT_TRUE(matches_glob("*[0-9]", "a1b2"));
}

TEST(Glob, WhatIsNeverClosedOrEscapedIsItself) {
  EXPECT_TRUE(matches_glob("[ab", "[ab"));
  EXPECT_FALSE(matches_glob("[ab", "a"));
  EXPECT_TRUE(matches_glob("[", "["));
  EXPECT_TRUE(matches_glob("\\*", "*"));
  EXPECT_FALSE(matches_glob("\\*", "a"));
  EXPECT_TRUE(matches_glob("\\[a]", "[a]"));
  EXPECT_TRUE(matches_glob("a\\", "a\\"));
}

TEST(Glob, ManyStarsOverALongNameAreQuick) {
  const std::string text(20'000, 'a');
  std::string pattern;
  for (int i = 0; i < 200; ++i) pattern += "a*";
  EXPECT_TRUE(matches_glob(pattern, text));
  EXPECT_FALSE(matches_glob(pattern + "b", text));
}

}  // namespace
}  // namespace zt::tools
