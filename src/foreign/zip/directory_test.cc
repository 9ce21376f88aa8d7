#include "foreign/zip/directory.h"

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "base/utf8.h"
#include "foreign/zip/member.h"
#include "hash/crc32.h"
#include "ztensor/error.h"

namespace zt::foreign::zip {
namespace {

std::string little(std::uint64_t value, std::size_t bytes) {
  std::string text;
  for (std::size_t i = 0; i < bytes; ++i) text.push_back(static_cast<char>(i < 8 ? value >> 8 * i & 0xFF : 0));
  return text;
}

// One of the two heads of a file, with fields that a test may change.
struct Head {
  std::uint64_t flags = 0, method = 0, crc = 0, stored = 0, decoded = 0, disk = 0, mode = 0, at = 0;
  std::string name;
  std::string extra;
};

std::string extra_block(std::uint64_t id, const std::string& body) {
  return little(id, 2) + little(body.size(), 2) + body;
}

// A file of an archive. `local` and `central` change the two heads after they have their right values.
struct FileOf {
  std::string name;
  std::string content;
  std::function<void(Head&)> local = [](Head&) {};
  std::function<void(Head&)> central = [](Head&) {};
  std::string behind = {};  // the bytes between the content and the next head
};

struct ZipEnd {
  std::uint64_t disk = 0, directory_disk = 0, here = 0, entries = 0, size = 0, offset = 0, comment = 0;
};

class Archive {
 public:
  Archive& add(const FileOf& file) {
    Head head{.crc = hash::crc32(as_bytes(file.content)),
              .stored = file.content.size(),
              .decoded = file.content.size(),
              .at = bytes.size(),
              .name = file.name,
              .extra = ""};
    Head local = head;
    file.local(local);
    bytes += "PK\x03\x04" + little(20, 2) + little(local.flags, 2) + little(local.method, 2) + little(0, 4) +
             little(local.crc, 4) + little(local.stored, 4) + little(local.decoded, 4) + little(local.name.size(), 2) +
             little(local.extra.size(), 2) + local.name + local.extra + file.content + file.behind;
    file.central(head);
    directory += std::string("PK\x01\x02") + '\x14' + '\x03' + little(20, 2) + little(head.flags, 2) +
                 little(head.method, 2) + little(0, 4) + little(head.crc, 4) + little(head.stored, 4) +
                 little(head.decoded, 4) + little(head.name.size(), 2) + little(head.extra.size(), 2) + little(0, 2) +
                 little(head.disk, 2) + little(0, 2) + little(head.mode << 16, 4) + little(head.at, 4) + head.name +
                 head.extra;
    ++entries;
    return *this;
  }

  std::string finish(const std::function<void(ZipEnd&)>& change = [](ZipEnd&) {}) const {
    ZipEnd end{.here = entries, .entries = entries, .size = directory.size(), .offset = bytes.size()};
    change(end);
    return bytes + directory + end64 + "PK\x05\x06" + little(end.disk, 2) + little(end.directory_disk, 2) +
           little(end.here, 2) + little(end.entries, 2) + little(end.size, 4) + little(end.offset, 4) +
           little(end.comment, 2);
  }

  // Adds the ZIP64 end record and its locator.
  Archive& add_end64(std::uint64_t size = 44, std::int64_t shift = 0, std::uint64_t more_entries = 0) {
    const std::uint64_t at = bytes.size() + directory.size();
    end64 = "PK\x06\x06" + little(size, 8) + little(45, 2) + little(45, 2) + little(0, 8) +
            little(entries + more_entries, 8) + little(entries + more_entries, 8) + little(directory.size(), 8) +
            little(bytes.size(), 8) + "PK\x06\x07" + little(0, 4) + little(at + static_cast<std::uint64_t>(shift), 8) +
            little(1, 4);
    return *this;
  }

  std::string bytes;
  std::string directory;
  std::string end64;
  std::uint64_t entries = 0;
};

MemoryStore store_of(const std::string& bytes) {
  return MemoryStore(std::vector<std::byte>(as_bytes(bytes).begin(), as_bytes(bytes).end()));
}

std::string rule_of(const std::string& bytes, Limits limits = {}) {
  try {
    const Directory directory(store_of(bytes), limits);
    return "";
  } catch (const Error& error) {
    return std::string(code_name(error.code())) + " " + error.rule();
  }
}

std::string text_of(const MemoryStore& store, const Member& member) {
  return std::string(as_text(read_member(store, member, 1000)));
}

TEST(ZipDirectory, ListsFilesInTheirOrder) {
  const MemoryStore store = store_of(Archive()
                                         .add({.name = "b/2", .content = "second"})
                                         .add({.name = "b/", .content = ""})
                                         .add({.name = "a.txt", .content = "first"})
                                         .finish());
  const Directory directory(store, {});
  ASSERT_EQ(directory.members().size(), 2U);
  EXPECT_EQ(directory.members()[0].name, "b/2");
  EXPECT_EQ(directory.members()[1].name, "a.txt");
  EXPECT_EQ(directory.find("a.txt"), &directory.members()[1]);
  EXPECT_EQ(directory.find("b/2"), &directory.members()[0]);
  EXPECT_EQ(directory.find("b/"), nullptr);
  EXPECT_EQ(text_of(store, directory.members()[0]), "second");
  EXPECT_EQ(text_of(store, directory.members()[1]), "first");
  EXPECT_EQ(rule_of(Archive().finish()), "");
}

// Z-23: PyTorch writes sizes behind the content only, and pads heads; NumPy adds a ZIP64 block to heads only.
TEST(ZipDirectory, TakesHeadsOfPyTorchAndNumPy) {
  const auto torch = [](Head& head) {
    head.flags = 0x0808;
    head.crc = head.stored = head.decoded = 0;
    head.extra = extra_block(0x4246, std::string(300, 'Z'));  // longer than what is read at once
  };
  const auto truth = [](Head& head) { head.flags = 0x0808; };
  const std::string sum = little(hash::crc32(as_bytes("data")), 4);
  const auto numpy = [](Head& head) {
    head.extra = extra_block(1, little(4, 8) + little(4, 8));
    head.stored = head.decoded = 0xFFFFFFFF;
  };
  const MemoryStore store =
      store_of(Archive()
                   .add({"x/0", "data", torch, truth, "PK\x07\x08" + sum + little(4, 4) + little(4, 4)})
                   .add({"x/1", "data", torch, truth, "PK\x07\x08" + sum + little(4, 8) + little(4, 8)})
                   .add({"x/2", "data", torch, truth, sum + little(4, 4) + little(4, 4)})
                   .add({"x/3", "data", torch, truth, sum + little(4, 8) + little(4, 8)})
                   .add({"x/4", "data", [](Head& head) { head.extra = extra_block(1, little(4, 8) + little(4, 8)); }})
                   .add({.name = "x/5", .content = "data", .local = numpy})
                   .add({.name = "x/6", .content = "data", .behind = std::string(100, '\0')})
                   .add_end64()
                   .finish());
  const Directory directory(store, {});
  ASSERT_EQ(directory.members().size(), 7U);
  for (const Member& member : directory.members()) EXPECT_EQ(text_of(store, member), "data") << member.name;
}

TEST(ZipDirectory, TakesZip64Fields) {
  const MemoryStore store =
      store_of(Archive()
                   .add({"a",
                         "data",
                         {[](Head&) {}},
                         [](Head& head) {
                           head.extra = extra_block(1, little(4, 8) + little(0, 8));
                           head.decoded = head.at = 0xFFFFFFFF;
                         }})
                   .add_end64()
                   .finish([](ZipEnd& end) { end = {0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0}; }));
  const Directory directory(store, {});
  EXPECT_EQ(text_of(store, directory.members()[0]), "data");
}

Archive one(const std::function<void(Head&)>& local, const std::function<void(Head&)>& central) {
  return Archive().add({"a/1", "data", local, central}).add({.name = "a/2", .content = "more"});
}
const auto kSame = [](Head&) {};

TEST(ZipDirectory, RefusesOtherEnds) {
  const Archive archive = one(kSame, kSame);
  const auto with = [&](auto change) { return rule_of(archive.finish(change)); };
  EXPECT_EQ(rule_of(""), "malformed zip.end.missing");
  EXPECT_EQ(rule_of(archive.finish().substr(0, 60)), "malformed zip.end.missing");
  EXPECT_EQ(rule_of(archive.finish() + "tail"), "malformed zip.end.missing");  // Z-15
  EXPECT_EQ(with([](ZipEnd& end) { end.comment = 4; }), "malformed zip.end.missing");
  EXPECT_EQ(rule_of(archive.finish([](ZipEnd& end) { end.comment = 22; }) +
                    archive.finish().substr(archive.finish().size() - 22)),
            "malformed zip.end.twice");  // Z-13
  EXPECT_EQ(with([](ZipEnd& end) { end.disk = 1; }), "unsupported zip.end.disks");
  EXPECT_EQ(with([](ZipEnd& end) { end.here = 1; }), "unsupported zip.end.disks");
  EXPECT_EQ(with([](ZipEnd& end) { end.here = end.entries = 1; }), "malformed zip.directory.count");      // Z-12
  EXPECT_EQ(with([](ZipEnd& end) { end.here = end.entries = 65535; }), "malformed zip.directory.count");  // Z-21
  EXPECT_EQ(with([](ZipEnd& end) { ++end.offset; }), "malformed zip.directory.place");
  EXPECT_EQ(rule_of("8 bytes." + archive.finish()), "malformed zip.directory.place");  // Z-14
  Limits limits;
  limits.index_bytes = 97;
  EXPECT_EQ(rule_of(archive.finish(), limits), "limit zip.directory.limit");
}

TEST(ZipDirectory, RefusesOtherZip64Ends) {
  const auto with = [](std::uint64_t size, std::int64_t shift, std::uint64_t entries) {
    return rule_of(one(kSame, kSame).add_end64(size, shift, entries).finish());
  };
  EXPECT_EQ(with(44, 0, 0), "");
  EXPECT_EQ(with(~std::uint64_t{11}, 0, 0), "malformed zip.end64.form");  // Z-18
  EXPECT_EQ(with(44, 1 << 20, 0), "malformed zip.end64.place");
  EXPECT_EQ(with(44, -1 << 20, 0), "malformed zip.end64.place");
  EXPECT_EQ(with(44, 0, 1), "malformed zip.end64.fields");
}

TEST(ZipDirectory, RefusesEntriesThatContradictThemselves) {
  const auto with = [](auto central) { return rule_of(one(kSame, central).finish()); };
  EXPECT_EQ(with([](Head& head) { head.stored = head.decoded = 0x7FFFFFFF; }), "malformed zip.member.bounds");  // Z-01
  EXPECT_EQ(with([](Head& head) { head.at = 0xFFFFFFF0; }), "malformed zip.head.bounds");                       // Z-02
  EXPECT_EQ(with([](Head& head) {
              head.at = 0xFFFFFFFF;
              head.extra = extra_block(1, little(~std::uint64_t{7}, 8));
            }),
            "malformed zip.head.bounds");
  EXPECT_EQ(with([](Head& head) { head.decoded = 3; }), "malformed zip.entry.stored");          // Z-06
  EXPECT_EQ(with([](Head& head) { head.decoded = 0xFFFFFFFF; }), "malformed zip.entry.zip64");  // Z-16
  EXPECT_EQ(with([](Head& head) {
              head.decoded = 0xFFFFFFFF;
              head.extra = extra_block(1, little(4, 4));
            }),
            "malformed zip.entry.zip64");
  EXPECT_EQ(with([](Head& head) {
              head.decoded = 0xFFFFFFFF;
              head.extra = extra_block(1, little(4, 8)) + extra_block(1, little(4, 8));
            }),
            "malformed zip.extra.zip64");
  EXPECT_EQ(with([](Head& head) { head.extra = extra_block(1, little(9, 8)); }), "malformed zip.entry.zip64");  // Z-17
  EXPECT_EQ(with([](Head& head) { head.extra = "\x09\x09\x09"; }), "malformed zip.extra.form");
  EXPECT_EQ(with([](Head& head) { head.disk = 1; }), "malformed zip.entry.disk");
  Archive cut = one(kSame, kSame);
  cut.directory[28] = 99;
  EXPECT_EQ(rule_of(cut.finish()), "malformed zip.entry.bounds");
  cut.directory[0] = 'Q';
  EXPECT_EQ(rule_of(cut.finish()), "malformed zip.entry.form");
}

// Z-20, Z-11
TEST(ZipDirectory, RefusesNamesThatArePathsOrUnclear) {
  const auto named = [](const std::string& name, std::uint64_t flags = 0) {
    const auto change = [&](Head& head) { head.flags = flags; };
    return rule_of(Archive().add({name, "data", change, change}).finish());
  };
  EXPECT_EQ(named("\xC3\xA4/..a/a..b", 1 << 11), "");
  EXPECT_EQ(named("../../x"), "refused zip.name.path");
  EXPECT_EQ(named("x/../y"), "refused zip.name.path");
  EXPECT_EQ(named("x/.."), "refused zip.name.path");
  EXPECT_EQ(named("/abs"), "refused zip.name.path");
  EXPECT_EQ(named("c:/x"), "refused zip.name.path");
  EXPECT_EQ(named("a\\b"), "refused zip.name.path");
  EXPECT_EQ(named(std::string("a\0b", 3)), "malformed zip.name.nul");
  EXPECT_EQ(named(""), "malformed zip.name.empty");
  EXPECT_EQ(named(std::string(65000, 'x')), "malformed zip.name.length");
  EXPECT_EQ(named("\xC3\xA4"), "malformed zip.name.encoding");
  EXPECT_EQ(named("\xC3", 1 << 11), "malformed zip.name.encoding");
  EXPECT_EQ(named("folder/"), "malformed zip.name.folder");
  EXPECT_EQ(rule_of(Archive().add({.name = "a", .content = "1"}).add({.name = "a", .content = "2"}).finish()),
            "malformed zip.name.twice");
}

TEST(ZipDirectory, RefusesHeadsThatDiffer) {
  const auto with = [](auto local) { return rule_of(one(local, kSame).finish()); };
  EXPECT_EQ(with([](Head& head) { head.name = "a/2"; }), "malformed zip.head.name");  // Z-08
  EXPECT_EQ(with([](Head& head) { head.name = "a/22"; }), "malformed zip.head.form");
  EXPECT_EQ(with([](Head& head) { head.method = 8; }), "malformed zip.head.method");  // Z-09
  EXPECT_EQ(with([](Head& head) { head.flags = 8; }), "malformed zip.head.method");
  EXPECT_EQ(with([](Head& head) { head.stored = 5; }), "malformed zip.head.sizes");
  EXPECT_EQ(with([](Head& head) { head.decoded = 0; }), "malformed zip.head.sizes");
  EXPECT_EQ(with([](Head& head) { head.extra = extra_block(1, little(5, 8) + little(4, 8)); }),
            "malformed zip.head.sizes");
  EXPECT_EQ(with([](Head& head) { head.crc = 1; }), "malformed zip.head.crc");
  EXPECT_EQ(with([](Head& head) { head.extra = "\x09\x09"; }), "malformed zip.extra.form");
  EXPECT_EQ(rule_of(one(kSame, [](Head& head) { head.at = 1; }).finish()), "malformed zip.gap");
  Archive longer = one(kSame, kSame);  // Z-10
  longer.bytes[28] = 4;
  EXPECT_EQ(rule_of(longer.finish()), "malformed zip.extra.form");
  longer.bytes[28] = longer.bytes[29] = '\xFF';
  EXPECT_EQ(rule_of(longer.finish()), "malformed zip.member.bounds");
}

TEST(ZipDirectory, RefusesGapsAndOverlaps) {
  Archive shared = one(kSame, kSame);  // Z-03
  shared.directory += shared.directory.substr(0, 49);
  shared.directory[2 * 49 + 48] = '3';
  ++shared.entries;
  EXPECT_EQ(rule_of(shared.finish()), "malformed zip.member.overlap");
  const auto behind = [](const std::string& gap) {
    return rule_of(Archive().add({.name = "a", .content = "data", .behind = gap}).finish());
  };
  EXPECT_EQ(behind("hidden"), "malformed zip.gap");
  EXPECT_EQ(behind(std::string(65536, '\0')), "");
  EXPECT_EQ(behind(std::string(65537, '\0')), "malformed zip.gap");
  const auto described = [](const std::string& gap) {  // Z-22
    const auto late = [](Head& head) { head.flags = 8; };
    return rule_of(Archive().add({"a", "data", late, late, gap}).finish());
  };
  EXPECT_EQ(described(little(0, 12)), "malformed zip.descriptor");
  EXPECT_EQ(described(""), "malformed zip.descriptor");
  EXPECT_EQ(described(little(hash::crc32(as_bytes("data")), 4) + little(4, 4) + little(4, 4) + "x"),
            "malformed zip.gap");
}

TEST(ZipDirectory, ListsMembersThatCannotBeRead) {
  const auto fault = [](auto change, auto central) {
    const MemoryStore store = store_of(Archive()
                                           .add({"a", "data", change,
                                                 [&](Head& head) {
                                                   change(head);
                                                   central(head);
                                                 }})
                                           .add({.name = "b", .content = "good"})
                                           .finish());
    const Directory directory(store, {});
    EXPECT_EQ(text_of(store, *directory.find("b")), "good");
    try {
      return text_of(store, *directory.find("a"));
    } catch (const Error& error) {
      return std::string(code_name(error.code())) + " " + error.rule();
    }
  };
  EXPECT_EQ(fault(kSame, kSame), "data");
  EXPECT_EQ(fault([](Head& head) { head.flags = 1; }, kSame), "unsupported zip.member.flags");  // Z-19
  EXPECT_EQ(fault([](Head& head) { head.flags = 1 << 5; }, kSame), "unsupported zip.member.flags");
  EXPECT_EQ(fault([](Head& head) { head.method = 99; }, kSame), "unsupported zip.member.method");
  EXPECT_EQ(fault([](Head& head) { head.method = 93; }, kSame), "unsupported zip.member.method");
  EXPECT_EQ(fault(kSame, [](Head& head) { head.mode = 0120777; }), "refused zip.member.link");
  EXPECT_EQ(fault([](Head& head) { head.method = 8, head.decoded = 1U << 30; }, kSame),
            "malformed zip.member.ratio");  // Z-05
  EXPECT_EQ(fault([](Head& head) { head.crc = 1; }, kSame), "mismatch zip.member.crc");
}

TEST(ZipDirectory, ReadsNoFileOverTheLimit) {
  const MemoryStore store = store_of(Archive().add({.name = "a", .content = "data"}).finish());
  const Directory directory(store, {});
  try {
    read_member(store, directory.members()[0], 3);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), Code::limit);
    EXPECT_STREQ(error.rule(), "zip.member.limit");
  }
}

// A store that counts requests, each of which costs much.
class CountingStore final : public ByteStore {
 public:
  explicit CountingStore(const std::string& bytes) : bytes_(store_of(bytes)) {}
  std::uint64_t size() const override { return bytes_.size(); }
  void read_at(std::uint64_t offset, std::span<std::byte> out) const override {
    ++requests_;
    bytes_.read_at(offset, out);
  }
  void read_many(std::span<const ReadAt> reads) const override {
    bytes_.read_many(reads);
    ++requests_;
  }
  std::uint64_t request_cost() const override { return 0; }
  int requests() const { return requests_; }

 private:
  MemoryStore bytes_;
  mutable int requests_ = 0;
};

TEST(ZipDirectory, ExtraFieldsThatPadAllFilesAreReadTogether) {
  Archive archive;
  const std::string padding = extra_block(0x4246, std::string(4000, 'Z'));
  for (int i = 0; i < 100; ++i) {
    archive.add({.name = std::to_string(i), .content = std::string(10000, 'x'), .local = [&](Head& head) {
                   head.extra = padding;
                 }});
  }
  const CountingStore store(archive.finish());
  const Directory directory(store, {});
  EXPECT_EQ(directory.members().size(), 100U);
  EXPECT_EQ(directory.members()[99].length, 10000U);
  EXPECT_LE(store.requests(), 4) << "the end, and the heads twice: once to learn how long they are";
}

TEST(ZipDirectory, TheEndOfASmallArchiveIsReadOnce) {
  Archive archive;
  archive.add({.name = "a/data.pkl", .content = "N."});
  const CountingStore store(archive.finish());
  EXPECT_EQ(kind_of(store), Kind::torch);
  EXPECT_EQ(store.requests(), 2) << "the first bytes, and the end with its directory";
}

TEST(ZipDirectory, TellsWhatAnArchiveHolds) {
  const auto kind = [](const std::string& bytes) { return kind_of(store_of(bytes)); };
  const auto with = [&](const char* name) {
    return kind(Archive().add({.name = "x/y.npy", .content = ""}).add({.name = name, .content = ""}).finish());
  };
  EXPECT_EQ(kind(""), Kind::none);
  EXPECT_EQ(kind("PK\x03\x05" + std::string(100, ' ')), Kind::none);
  EXPECT_EQ(kind("PK\x03\x04" + std::string(100, ' ')), Kind::broken);
  EXPECT_EQ(kind(Archive().finish()), Kind::empty);
  EXPECT_EQ(kind(Archive().add({.name = "a", .content = ""}).finish()), Kind::other);
  EXPECT_EQ(with("a/data.pkl"), Kind::torch);
  EXPECT_EQ(with("data.pkl"), Kind::npz);
  EXPECT_EQ(with("a/b/data.pkl"), Kind::npz);
  EXPECT_EQ(with("a/xdata.pkl"), Kind::npz);
}

}  // namespace
}  // namespace zt::foreign::zip
