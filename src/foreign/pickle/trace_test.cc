// What a trace must not overlook: each stream here makes a reader of Python run code, or may do so.

#include "foreign/pickle/trace.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>
#include <string_view>
#include <vector>

#include "base/utf8.h"

namespace zt::foreign::pickle {
namespace {

using namespace std::string_literals;

const std::string kRun = "cos\nsystem\n(S'id'\ntR";
const std::string kLoader = "ctorch.storage\n_load_from_bytes\n";

std::vector<Trace> traces_of(std::string_view stream, Sure sure = Sure::no) {
  const auto bytes = as_bytes(stream);
  const MemoryStore store(std::vector<std::byte>(bytes.begin(), bytes.end()));
  return trace_pickles(store, {0, store.size()}, sure);
}

bool has_lost(std::string_view stream, Sure sure = Sure::no) {
  return std::ranges::any_of(traces_of(stream, sure), &Trace::is_lost);
}

Risk risk_of(std::string_view stream, Sure sure = Sure::no) {
  Risk risk = Risk::inert;
  for (const Trace& trace : traces_of(stream, sure)) {
    if (trace.is_lost) risk = Risk::danger;
    for (const Global& global : trace.globals) risk = std::max(risk, global.risk);
  }
  return risk;
}

// The length of `content` in four bytes, and the content.
std::string counted(std::string_view content) {
  std::string length(4, '\0');
  const auto size = static_cast<std::uint32_t>(content.size());
  std::memcpy(length.data(), &size, 4);
  return length + std::string(content);
}

std::string bytes_opcode(std::string_view content) { return "B" + counted(content); }
std::string text_opcode(std::string_view content) { return "X" + counted(content); }

TEST(PickleTrace, AnIndexOfTheMemoThatOnlySomeReadersTakeIsALoss) {
  for (const std::string& index : {"+0"s, "1_0"s, " 0"s, "0 "s, "0\t"s, "-0"s, "99999999999999999999999"s, "0\0x"s}) {
    EXPECT_EQ(risk_of("I1\np" + index + "\n0" + kRun + "."), Risk::danger) << index;
    EXPECT_EQ(risk_of("I1\np0\ng" + index + "\n" + kRun + "."), Risk::danger) << index;
  }
  EXPECT_TRUE(traces_of("get up\nand go\n").empty());  // no reader of Python goes on here
  EXPECT_TRUE(traces_of("g 1\n").empty());             // nothing is in the memo
}

TEST(PickleTrace, ABrokenPickleIsALossIfItIsSureToBeOne) {
  EXPECT_TRUE(has_lost("\x80\x02}\xFF", Sure::yes));
  EXPECT_FALSE(has_lost("\x80\x02}\xFF", Sure::no));
  EXPECT_FALSE(has_lost("\x80\x02}.\xFF", Sure::yes));  // bytes follow the pickle
}

TEST(PickleTrace, ABrokenPickleThatImportsIsOneWhereverItIs) {
  EXPECT_EQ(risk_of("cmymodule\nf\n)R\xFF"), Risk::unknown);
  EXPECT_EQ(risk_of("class Foo:\n  pass\n"), Risk::inert);
}

TEST(PickleTrace, ALastLineWithoutItsEndIsALine) {
  EXPECT_EQ(risk_of("(S'id'\nios\nsystem!"), Risk::danger);  // Python's reader in Python cuts off one byte
}

TEST(PickleTrace, ALimitIsALoss) {
  std::string stream;
  for (std::uint32_t i = 0; i <= std::uint32_t{1} << 24; ++i) stream += ']';
  EXPECT_EQ(risk_of(stream), Risk::danger);
}

TEST(PickleTrace, MorePicklesThanALimitAreALoss) {
  std::string one_after_another;
  std::string inside = "(";
  for (int i = 0; i <= 65536; ++i) {
    one_after_another += "N.";
    inside += kLoader + bytes_opcode("N.") + "\x85R";
  }
  EXPECT_EQ(risk_of(one_after_another + kRun + "."), Risk::danger);
  EXPECT_EQ(risk_of(inside + "t."), Risk::danger);
}

TEST(PickleTrace, GivingAClassAStateIsDanger) {
  EXPECT_EQ(risk_of("ccollections\nOrderedDict\n}b."), Risk::danger);
  EXPECT_EQ(risk_of("ccollections\nOrderedDict\n)R}b."), Risk::inert);
}

TEST(PickleTrace, NamesOfPython2AreJudgedByWhatPython3Imports) {
  for (const char* name : {"itertools\nimap", "cStringIO\nopen", "__builtin__\neval", "__builtin__\nintern",
                           "commands\ngetoutput", "dbhash\nopen", "SimpleHTTPServer\nx"}) {
    EXPECT_EQ(risk_of("c"s + name + "\n."), Risk::danger) << name;
  }
  EXPECT_EQ(risk_of("c__builtin__\nlong\n."), Risk::inert);
  EXPECT_EQ(risk_of("cexceptions\nValueError\n."), Risk::unknown);
}

TEST(PickleTrace, ATextThatACallGivesIsAName) {
  for (const std::string& made :
       {"cbuiltins\nstr\nX\x02\0\0\0os\x85R"s, "cbuiltins\nstr\nX\x02\0\0\0os\x85\x81"s,
        "cnumpy\nobject_\nX\x02\0\0\0os\x85R"s, "(X\x02\0\0\0osicopyreg\n_reconstructor\n"s, "(cmine\nf\no"s}) {
    EXPECT_EQ(risk_of(made + "X\x06\0\0\0system\x93."s), Risk::danger) << made;
  }
}

// What torch loads from bytes of a pickle.

TEST(PickleTrace, BytesThatTextStandsForAreFollowed) {
  const std::string encoded = "c_codecs\nencode\n" + text_opcode(kRun + ".") + text_opcode("latin1") + "\x86R";
  EXPECT_EQ(risk_of(kLoader + encoded + "\x85R."), Risk::danger);
  const std::string inert = "c_codecs\nencode\n" + text_opcode("\xC2\x80\x02}.") + text_opcode("latin1") + "\x86R";
  EXPECT_EQ(risk_of(kLoader + inert + "\x85R."), Risk::inert);
  EXPECT_EQ(risk_of(kLoader + "S'cos\\nsystem\\n.'\n\x85R."), Risk::danger);
}

TEST(PickleTrace, BytesThatCannotBeFollowedAreALoss) {
  const std::string inner = "}.";
  const std::string byte_array = "\x96\x02\0\0\0\0\0\0\0}."s;
  for (const std::string& arguments :
       {bytes_opcode("PK\x03\x04") + "\x85", "cbuiltins\nbytes\n(]K\x2E\x61tR\x85"s, byte_array + "\x85",
        "cbuiltins\nbytearray\n" + bytes_opcode(inner) + "\x85R\x85", bytes_opcode(inner) + "K\x01\x86", "]"s,
        "c_codecs\nencode\n" + text_opcode("}.") + text_opcode("rot13") + "\x86R\x85"}) {
    EXPECT_TRUE(has_lost(kLoader + arguments + "R.")) << arguments;
  }
  EXPECT_FALSE(has_lost(kLoader + bytes_opcode(inner) + "\x85R."));
}

TEST(PickleTrace, ALoaderThatIsPassedOnIsALoss) {
  const std::string bytes = bytes_opcode("}.");
  EXPECT_TRUE(has_lost("ctorch._tensor\n_rebuild_from_type_v2\n(" + kLoader + "ctorch\nTensor\n" + bytes + "\x85}tR."));
  EXPECT_TRUE(has_lost("](N" + kLoader + "e."));
  EXPECT_TRUE(has_lost("]q\0Na0h\0K\0"s + kLoader + "s."));  // list[0] = loader
  EXPECT_TRUE(has_lost(kLoader + "q\0"s + bytes + "\x85Rh\0\x86."s));
  EXPECT_FALSE(has_lost(kLoader +
                        "q\0"
                        "0h\0"s +
                        bytes + "\x85R."));
}

TEST(PickleTrace, AClassInThePersistentIdOfAModuleIsNotInert) {
  // As torch's old files name the class of each module, with its source.
  const auto id = [](const std::string& kind, const std::string& named) {
    return "\x80\x02(" + kind + "c" + named + "S'model.py'\nS'class A: pass'\ntQ.";
  };
  const std::string inert = "collections\nOrderedDict\n", unknown = "mymodule\nA\n", danger = "os\nsystem\n";
  EXPECT_EQ(risk_of(id(text_opcode("storage"), inert)), Risk::inert);
  for (const std::string& kind : {text_opcode("module"), bytes_opcode("module"), "S'module'\n"s}) {
    EXPECT_EQ(risk_of(id(kind, inert)), Risk::unknown) << kind;
    EXPECT_EQ(risk_of(id(kind, unknown)), Risk::unknown) << kind;
    EXPECT_EQ(risk_of(id(kind, danger)), Risk::danger) << kind;
  }
  const std::vector<Trace> traces = traces_of(id(text_opcode("module"), inert));
  ASSERT_EQ(traces.size(), 1U);
  ASSERT_EQ(traces[0].globals.size(), 1U);
  EXPECT_EQ(traces[0].globals[0].full(), "collections.OrderedDict");
}

// Arrays of joblib.

const std::string kNumbers = "cnumpy\ndtype\n(S'u1'\nI0\nI1\ntR";

std::string wrapper_of(const std::string& fields) {
  return "cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + fields + "ub";
}

std::string fields_of(const std::string& dtype, std::size_t count) {
  return "S'dtype'\n" + dtype + "S'shape'\n(I" + std::to_string(count) +
         "\ntS'order'\nS'C'\nS'subclass'\ncnumpy\nndarray\n";
}

std::string array_of(const std::string& content) { return wrapper_of(fields_of(kNumbers, content.size())) + content; }

TEST(PickleTrace, AnArrayOfJoblibIsFollowedAsBytesAndAsOpcodes) {
  EXPECT_EQ(risk_of(array_of("\xFF\xFF") + "."), Risk::inert);
  EXPECT_EQ(risk_of(array_of("\xFF\xFF") + "0" + kRun + "."), Risk::danger);  // joblib.load() runs this
  EXPECT_EQ(risk_of(array_of("0" + kRun + ".") + "."), Risk::danger);         // pickle.load() runs this
  EXPECT_EQ(risk_of(array_of("0" + kRun) + "0N."), Risk::danger);
}

TEST(PickleTrace, AnArrayOfJoblibThatMayHaveAnotherLengthIsALoss) {
  const std::string good = fields_of(kNumbers, 1);
  for (const std::string& fields :
       {std::string(), good + "S'read'\nN", good + "cbuiltins\nstr\n(S'shape'\ntR)", fields_of("N", 1),
        fields_of("cnumpy\ndtype\n(S'int64'\nI0\nI1\ntR(I3\nS'<'\nNNNI1\nI1\nI0\ntb", 1),
        fields_of("cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI0\ntb", 1)}) {
    EXPECT_TRUE(has_lost(wrapper_of(fields) + "\xFF.")) << fields;
  }
  const std::string reconstructed =
      "ccopyreg\n_reconstructor\n(cjoblib.numpy_pickle\nNumpyArrayWrapper\ncbuiltins\nobject\nNtR}(" + good + "ub";
  EXPECT_TRUE(has_lost(reconstructed + "\xFF."));
  EXPECT_TRUE(has_lost("cjoblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}(" + good + "ub\xFFq\x07h\x07}b."));
  EXPECT_TRUE(has_lost("csklearn.externals.joblib.numpy_pickle\nNumpyArrayWrapper\n)\x81}b."));
}

TEST(PickleTrace, RawBytesInsideOfAFrameAreALoss) {
  const std::string array = wrapper_of(fields_of(kNumbers, 1)) + "\xFF";
  std::string frame = "\x95";
  const auto length = std::uint64_t{array.size() + 4};  // joblib takes the array's bytes from behind the frame
  frame.append(8, '\0');
  std::memcpy(frame.data() + 1, &length, 8);
  EXPECT_TRUE(has_lost("\x80\x04" + frame + array + "0N0N."));
}

TEST(PickleTrace, AnArrayOfObjectsOfJoblibIsAPickleWithPicklesInside) {
  const std::string objects = "cnumpy\ndtype\n(S'O8'\nI0\nI1\ntR(I3\nS'|'\nNNNI-1\nI-1\nI63\ntb";
  const std::string array = wrapper_of(fields_of(objects, 1));
  EXPECT_EQ(risk_of(array + "N.."), Risk::inert);
  EXPECT_EQ(risk_of(array + kLoader + bytes_opcode(kRun + ".") + "\x85R.."), Risk::danger);
}

}  // namespace
}  // namespace zt::foreign::pickle
