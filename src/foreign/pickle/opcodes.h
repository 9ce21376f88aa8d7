#pragma once

#include <cstdint>

// The opcodes of pickle protocols 0 to 5.
namespace zt::foreign::pickle::op {

inline constexpr std::uint8_t kMark = '(', kStop = '.', kPop = '0', kPopMark = '1', kDup = '2';
inline constexpr std::uint8_t kFloat = 'F', kInt = 'I', kBinInt = 'J', kBinInt1 = 'K', kLong = 'L', kBinInt2 = 'M',
                              kNone = 'N', kPersId = 'P', kBinPersId = 'Q', kReduce = 'R', kString = 'S',
                              kBinString = 'T', kShortBinString = 'U', kUnicode = 'V', kBinUnicode = 'X';
inline constexpr std::uint8_t kAppend = 'a', kBuild = 'b', kGlobal = 'c', kDict = 'd', kAppends = 'e', kGet = 'g',
                              kBinGet = 'h', kInst = 'i', kLongBinGet = 'j', kList = 'l', kObj = 'o', kPut = 'p',
                              kBinPut = 'q', kLongBinPut = 'r', kSetItem = 's', kTuple = 't', kSetItems = 'u';
inline constexpr std::uint8_t kEmptyDict = '}', kEmptyList = ']', kEmptyTuple = ')', kBinFloat = 'G';
inline constexpr std::uint8_t kProto = 0x80, kNewObj = 0x81, kExt1 = 0x82, kExt2 = 0x83, kExt4 = 0x84, kTuple1 = 0x85,
                              kTuple2 = 0x86, kTuple3 = 0x87, kNewTrue = 0x88, kNewFalse = 0x89, kLong1 = 0x8A,
                              kLong4 = 0x8B;
inline constexpr std::uint8_t kBinBytes = 'B', kShortBinBytes = 'C';
inline constexpr std::uint8_t kShortBinUnicode = 0x8C, kBinUnicode8 = 0x8D, kBinBytes8 = 0x8E, kEmptySet = 0x8F,
                              kAddItems = 0x90, kFrozenSet = 0x91, kNewObjEx = 0x92, kStackGlobal = 0x93,
                              kMemoize = 0x94, kFrame = 0x95, kByteArray8 = 0x96, kNextBuffer = 0x97,
                              kReadOnlyBuffer = 0x98;

}  // namespace zt::foreign::pickle::op
