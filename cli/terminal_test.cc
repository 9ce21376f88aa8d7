#include "terminal.h"

#include <gtest/gtest.h>

namespace cli {
namespace {

TEST(Terminal, LeavesUtf8AsItIs) { EXPECT_EQ(printable("größe 重み 🙂 a\\b"), "größe 重み 🙂 a\\b"); }

TEST(Terminal, EscapesWhatMovesTheCursorOrTurnsTheText) {
  EXPECT_EQ(printable("a\nb\r\tc"), "a\\nb\\r\\tc");
  EXPECT_EQ(printable("\x1b[2J\x7f"), "\\x1b[2J\\x7f");
  EXPECT_EQ(printable("\xc2\x9b"), "\\u009b");      // C1, which is an escape sequence to some terminals
  EXPECT_EQ(printable("\xe2\x80\xae"), "\\u202e");  // right-to-left override
  EXPECT_EQ(printable(std::string_view("\0", 1)), "\\x00");
}

TEST(Terminal, EscapesBytesThatAreNoCharacter) {
  EXPECT_EQ(printable("\xff"
                      "a\xc3"),
            "\\xffa\\xc3");                                          // cut short
  EXPECT_EQ(printable("\xc0\xaf"), "\\xc0\\xaf");                    // a slash, too long
  EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // a surrogate
  EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // past U+10FFFF
}

TEST(Terminal, CountsColumnsAndNotBytes) {
  EXPECT_EQ(columns_of("abc"), 3U);
  EXPECT_EQ(columns_of("größe"), 5U);
  EXPECT_EQ(columns_of("重み"), 4U);
  EXPECT_EQ(columns_of("e\xcc\x81"), 1U);  // e and a combining accent
}

TEST(Terminal, WritesSizesInPowersOfThousand) {
  EXPECT_EQ(size_text(0), "0 B");
  EXPECT_EQ(size_text(999), "999 B");
  EXPECT_EQ(size_text(1000), "1.0 kB");
  EXPECT_EQ(size_text(250'100'000), "250.1 MB");
  EXPECT_EQ(size_text(999'949), "999.9 kB");
  EXPECT_EQ(size_text(999'960), "1.0 MB");  // never "1000.0 kB"
  EXPECT_EQ(size_text(~std::uint64_t{0}), "18.4 EB");
}

TEST(Terminal, WritesRatesWithThreeDigits) {
  EXPECT_EQ(rate_text(250'100'000, 0.42), "595 MB/s");
  EXPECT_EQ(rate_text(0, 0), "0 B/s");
  EXPECT_EQ(rate_text(999'600'000, 1), "1 GB/s");
  EXPECT_EQ(rate_text(2'314'000'000, 1), "2.31 GB/s");
}

TEST(Terminal, EstimatesTheTimeThatIsLeft) {
  EXPECT_EQ(left_text(0.5, 10), "0:10 left");
  EXPECT_EQ(left_text(0.25, 41.5), "2:05 left");
  EXPECT_EQ(left_text(0.1, 100), "15:00 left");
  EXPECT_EQ(left_text(0.001, 10), "2:46:30 left");
  EXPECT_EQ(left_text(1, 10), "0:00 left");
  EXPECT_EQ(left_text(0, 10), "");
  EXPECT_EQ(left_text(1e-9, 10), "");
}

TEST(Terminal, CountsOneInTheSingular) {
  EXPECT_EQ(count_text(0, "tensor"), "0 tensors");
  EXPECT_EQ(count_text(1, "tensor"), "1 tensor");
}

}  // namespace
}  // namespace cli
