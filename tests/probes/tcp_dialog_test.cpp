// The dialog and its lines, without a socket.
#include <gtest/gtest.h>

#include <algorithm>
#include <stdexcept>

#include "src/dialog.hpp"
#include "tcp/lines.hpp"

namespace tocsin::probes {
namespace {

using tcp::Lines;

DialogStep step(std::string expect, std::string send = {}) {
  DialogStep made;
  made.expect = std::move(expect);
  made.send = std::move(send);
  return made;
}

TEST(Dialog, PutsGroupsIntoWhatIsSent) {
  Dialog dialog({step("^PING (?P<who>\\w+) (\\d+)", "PONG ${1} $2 ${who} $$ $9 ${1}x $1x")});
  const auto reply = dialog.match(0, "PING me 42");
  ASSERT_TRUE(reply);
  EXPECT_EQ(reply->send, "PONG me 42 me $  mex ");
  EXPECT_FALSE(dialog.match(0, "ping me 42"));
}

TEST(Dialog, GivesLabels) {
  auto with_labels = step("SSH-([0-9.]+)-(\\S+)");
  with_labels.labels = {{"protocol", "$1"}, {"software", "${2}"}, {"fixed", "x"}};
  Dialog dialog({with_labels});
  const auto reply = dialog.match(0, "SSH-2.0-OpenSSH_9.2");
  ASSERT_TRUE(reply);
  ASSERT_EQ(reply->labels.size(), 3U);
  EXPECT_EQ(reply->labels[0], (core::Label{"protocol", "2.0"}));
  EXPECT_EQ(reply->labels[1], (core::Label{"software", "OpenSSH_9.2"}));
  EXPECT_EQ(reply->labels[2], (core::Label{"fixed", "x"}));
}

TEST(Dialog, MatchesBytesThatAreNoText) {
  Dialog dialog({step("ok")});
  EXPECT_TRUE(dialog.match(0, std::string_view("\xff\x00ok", 4)));
  EXPECT_FALSE(dialog.match(0, {}));
}

TEST(Dialog, RefusesWhatMakesNoSense) {
  EXPECT_FALSE(check_dialog({step("(")}));
  EXPECT_NE(check_dialog({step("(")}).error().detail.find("'('"), std::string::npos);
  auto bad_name = step("x");
  bad_name.labels = {{"__name__", "y"}};
  EXPECT_FALSE(check_dialog({bad_name}));
  bad_name.labels = {{"a-b", "y"}};
  EXPECT_FALSE(check_dialog({bad_name}));
  auto without_expect = step("");
  without_expect.labels = {{"a", "y"}};
  EXPECT_FALSE(check_dialog({without_expect}));
  EXPECT_TRUE(check_dialog({step("x"), step("", "y")}));
}

TEST(Dialog, ShowsWhatAPeerSaid) {
  EXPECT_EQ(shown("a\r\x01\xff b"), "\"a??? b\"");
  EXPECT_EQ(shown(std::string(200, 'x')).size(), 105U);
}

void put(Lines& lines, std::string_view text) {
  while (!text.empty()) {
    const auto space = lines.space();
    const auto size = std::min(space.size(), text.size());
    ASSERT_GT(size, 0U);
    std::copy_n(text.begin(), size, space.begin());
    lines.filled(size);
    text.remove_prefix(size);
  }
}

TEST(TcpLines, SplitsAtLineEnds) {
  Lines lines;
  put(lines, "one\r\ntwo\n\n\rthr");
  EXPECT_EQ(lines.line(), "one");
  EXPECT_EQ(lines.line(), "two");
  EXPECT_EQ(lines.line(), "");
  EXPECT_EQ(lines.line(), std::nullopt);
  put(lines, "ee\r\n");
  EXPECT_EQ(lines.line(), "\rthree");
  EXPECT_TRUE(lines.empty());
}

TEST(TcpLines, GivesTheLastOneAtTheEnd) {
  Lines lines;
  put(lines, "one\nlast\r");
  EXPECT_EQ(lines.last_line(), "one");
  EXPECT_EQ(lines.last_line(), "last");
  EXPECT_EQ(lines.last_line(), std::nullopt);
}

TEST(TcpLines, GivesBytesBetweenLines) {
  Lines lines;
  put(lines, "line\nbytesrest\n");
  EXPECT_EQ(lines.line(), "line");
  EXPECT_EQ(lines.bytes(100), std::nullopt);
  EXPECT_EQ(lines.bytes(5), "bytes");
  EXPECT_EQ(lines.line(), "rest");
}

TEST(TcpLines, HoldsALongLineButNoLonger) {
  Lines lines;
  put(lines, "short\n");
  EXPECT_EQ(lines.line(), "short");
  put(lines, std::string(Lines::longest - 1, 'x'));
  EXPECT_FALSE(lines.full());
  put(lines, "\n");
  ASSERT_TRUE(lines.line());
  put(lines, std::string(Lines::longest, 'x'));
  EXPECT_EQ(lines.line(), std::nullopt);
  EXPECT_TRUE(lines.full());
}

TEST(TcpLines, LinesThatComeByteByByte) {
  Lines lines;
  for (int i = 0; i < 3000; ++i) {
    for (const char c : std::string("abc\r\n")) put(lines, std::string_view(&c, 1));
    ASSERT_EQ(lines.line(), "abc") << i;
  }
}

}  // namespace
}  // namespace tocsin::probes
