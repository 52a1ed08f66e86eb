// DNS messages and what is thought of them, without a socket.
#include <gtest/gtest.h>

#include <stdexcept>

#include "dns/judge.hpp"
#include "dns/message.hpp"

namespace tocsin::probes {
namespace {

using core::Outcome;
using dns::Question;
using dns::Reply;

std::string bytes(std::initializer_list<int> list) {
  std::string text;
  for (const int byte : list) text += static_cast<char>(byte);
  return text;
}

Question question(std::string name, std::uint16_t type = 1) {
  Question made;
  made.name = std::move(name);
  made.type = type;
  return made;
}

/// A reply to this query with that rcode and these records (already as bytes, with their count).
std::string reply_to(const std::string& query, int rcode, int answers = 0, const std::string& records = {}) {
  std::string reply = query;
  reply[2] = static_cast<char>(0x81);
  reply[3] = static_cast<char>(0x80 | rcode);
  reply[7] = static_cast<char>(answers);
  return reply + records;
}

/// A record for the question's name: type, class IN, ttl 3600.
std::string record(int type, const std::string& data) {
  return bytes({0xc0, 12, 0, type, 0, 1, 0, 0, 0x0e, 0x10, 0, static_cast<int>(data.size())}) + data;
}

TEST(DnsMessage, WritesAQuery) {
  const auto query = dns::write_query(question("Example.com"), 0x1234).value();
  const auto expected = bytes({0x12, 0x34, 0x01, 0, 0, 1, 0, 0, 0, 0, 0, 0}) + "\x07" + "Example" + "\x03" + "com" +
                        bytes({0, 0, 1, 0, 1});
  EXPECT_EQ(query, expected);
  auto iterative = question("", 6);
  iterative.recursion_desired = false;
  iterative.query_class = 3;
  EXPECT_EQ(dns::write_query(iterative, 1).value(), bytes({0, 1, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 3}));
}

TEST(DnsMessage, RefusesWhatIsNoName) {
  EXPECT_FALSE(dns::write_query(question("a..b"), 1));
  EXPECT_FALSE(dns::write_query(question(std::string(64, 'x') + ".test"), 1));
  EXPECT_FALSE(dns::write_query(question(std::string("a\0b", 3)), 1));
  EXPECT_TRUE(dns::write_query(question("_sip._tcp.example.com."), 1));
}

TEST(DnsMessage, KnowsTheAnswerToItsQuestion) {
  const auto query = dns::write_query(question("a.test"), 0x1234).value();
  EXPECT_TRUE(dns::answers(reply_to(query, 0), query));
  auto other = reply_to(query, 0);
  other[13] = 'A';
  EXPECT_TRUE(dns::answers(other, query)) << "the case of letters does not count";
  other[13] = 'b';
  EXPECT_FALSE(dns::answers(other, query));
  EXPECT_FALSE(dns::answers(query, query)) << "a query is no answer";
  EXPECT_FALSE(dns::answers(reply_to(dns::write_query(question("a.test"), 0x1235).value(), 0), query));
  EXPECT_FALSE(dns::answers(reply_to(dns::write_query(question("a.test", 28), 0x1234).value(), 0), query));
  EXPECT_FALSE(dns::answers("", query));
  EXPECT_FALSE(dns::answers(reply_to(query, 0).substr(0, 20), query));
  // Who could not read the question need not repeat it.
  EXPECT_TRUE(dns::answers(bytes({0x12, 0x34, 0x80, 0x01, 0, 0, 0, 0, 0, 0, 0, 0}), query));
  EXPECT_FALSE(dns::answers(bytes({0x12, 0x34, 0x80, 0x00, 0, 0, 0, 0, 0, 0, 0, 0}), query));
}

TEST(DnsMessage, ReadsAnAnswer) {
  const auto query = dns::write_query(question("a.test"), 1).value();
  dns::Wanted texts;
  texts.answer = true;
  const auto reply =
      dns::read_reply(reply_to(query, 3, 2, record(1, bytes({127, 0, 0, 1})) + record(16, "\x05hello")), texts);
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_EQ(reply->rcode, 3U);
  EXPECT_EQ(reply->answers, 2U);
  EXPECT_EQ(reply->answer,
            (std::vector<std::string>{"a.test.\t3600\tIN\tA\t127.0.0.1", "a.test.\t3600\tIN\tTXT\t\"hello\""}));
  EXPECT_FALSE(reply->serial);
}

TEST(DnsMessage, FindsSerialsAndServices) {
  const auto query = dns::write_query(question("a.test", 6), 1).value();
  const auto soa = bytes({0, 0, 0, 0, 0, 42, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1});
  const auto srv = bytes({0, 10, 0, 20, 0x1f, 0x90, 4}) + "host" + bytes({4}) + "test" + bytes({0});
  const auto reply = dns::read_reply(reply_to(query, 0, 2, record(6, soa) + record(33, srv)), {});
  ASSERT_TRUE(reply) << reply.error().detail;
  EXPECT_EQ(reply->serial, 42U);
  ASSERT_EQ(reply->services.size(), 1U);
  EXPECT_EQ(reply->services[0].host, "host.test");
  EXPECT_EQ(reply->services[0].port, 8080);
  EXPECT_EQ(reply->services[0].priority, 10);
  EXPECT_EQ(reply->services[0].weight, 20);
  EXPECT_EQ(reply->services[0].ttl, 3600U);
  EXPECT_TRUE(reply->answer.empty()) << "texts are made only where they are asked for";
}

TEST(DnsMessage, RefusesGarbage) {
  const auto query = dns::write_query(question("a.test"), 1).value();
  for (const auto& broken : {std::string(), std::string("x"), reply_to(query, 0, 1),
                             reply_to(query, 0, 1, record(1, bytes({127, 0, 0, 1})).substr(0, 8)),
                             reply_to(query, 0, 1, bytes({0xc0, 24, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0}))}) {
    const auto reply = dns::read_reply(broken, {});
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().outcome, Outcome::protocol);
  }
}

TEST(DnsMessage, RefusesSignatures) {
  const auto query = dns::write_query(question("a.test"), 1).value();
  const auto address = record(1, bytes({127, 0, 0, 1}));
  for (const auto& records : {record(250, ""), address + record(250, "x") + record(250, "x")}) {
    auto reply = reply_to(query, 0, 0, records);
    reply[11] = static_cast<char>(records.size() > 20 ? 3 : 1);
    const auto read = dns::read_reply(reply, {});
    ASSERT_FALSE(read);
    EXPECT_NE(read.error().detail.find("TSIG"), std::string::npos) << read.error().detail;
  }
}

struct Case {
  const char* name;
  DnsValidation validation;
  std::vector<std::string> records;
  const char* complaint;  // part of it; null: good
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }

class DnsValidates : public testing::TestWithParam<Case> {};

TEST_P(DnsValidates, EachSection) {
  for (const auto section : {&DnsOptions::answer, &DnsOptions::authority, &DnsOptions::additional}) {
    DnsOptions options;
    options.*section = GetParam().validation;
    Reply reply;
    (section == &DnsOptions::answer      ? reply.answer
     : section == &DnsOptions::authority ? reply.authority
                                         : reply.additional) = GetParam().records;
    const auto failure = dns::Judge(options).judge(reply);
    if (GetParam().complaint == nullptr) {
      EXPECT_FALSE(failure) << failure->detail;
    } else {
      ASSERT_TRUE(failure);
      EXPECT_EQ(failure->outcome, Outcome::unexpected);
      EXPECT_NE(failure->detail.find(GetParam().complaint), std::string::npos) << failure->detail;
    }
  }
}

DnsValidation validation(std::vector<std::string> DnsValidation::*member, std::vector<std::string> regexes) {
  DnsValidation made;
  made.*member = std::move(regexes);
  return made;
}

const std::vector<std::string> two{"a 127.0.0.1", "a 127.0.0.2"};

INSTANTIATE_TEST_SUITE_P(
    All, DnsValidates,
    testing::Values(
        Case{"nothing_asked", {}, {}, nullptr},
        Case{"matches", validation(&DnsValidation::fail_if_matches, {"x", "0.2$"}), two, "matches '0.2$'"},
        Case{"matches_not", validation(&DnsValidation::fail_if_matches, {"x"}), two, nullptr},
        Case{"matches_empty", validation(&DnsValidation::fail_if_matches, {"x"}), {}, nullptr},
        Case{"not_matches", validation(&DnsValidation::fail_if_not_matches, {"127", "0.1$"}), two, "0.2"},
        Case{"not_matches_good", validation(&DnsValidation::fail_if_not_matches, {"127", "a"}), two, nullptr},
        Case{"not_matches_empty", validation(&DnsValidation::fail_if_not_matches, {"x"}), {}, "is empty"},
        Case{"not_all", validation(&DnsValidation::fail_if_not_all_match, {"0.1$"}), two, "0.2"},
        Case{"not_all_good", validation(&DnsValidation::fail_if_not_all_match, {"127"}), two, nullptr},
        Case{"not_all_empty", validation(&DnsValidation::fail_if_not_all_match, {"127"}), {}, nullptr},
        Case{"none_matches", validation(&DnsValidation::fail_if_none_matches, {"x", "y"}), two, "no record"},
        Case{"none_matches_good", validation(&DnsValidation::fail_if_none_matches, {"x", "0.2"}), two, nullptr},
        Case{"none_matches_empty", validation(&DnsValidation::fail_if_none_matches, {"x"}), {}, "is empty"}),
    [](const auto& one) { return std::string(one.param.name); });

TEST(DnsJudge, WantsARcode) {
  DnsOptions options;
  Reply reply;
  EXPECT_FALSE(dns::Judge(options).judge(reply));
  reply.rcode = 3;
  EXPECT_EQ(dns::Judge(options).judge(reply)->detail, "the answer is NXDOMAIN, expected NOERROR");
  reply.rcode = 5;
  EXPECT_EQ(dns::Judge(options).judge(reply)->outcome, Outcome::refused_command);
  options.valid_rcodes = {3, 5};
  EXPECT_FALSE(dns::Judge(options).judge(reply));
  reply.rcode = 11;
  EXPECT_EQ(dns::Judge(options).judge(reply)->detail, "the answer is RCODE11, expected NXDOMAIN or REFUSED");
}

TEST(DnsJudge, WantsTextsOnlyWhereTheyAreLookedAt) {
  DnsOptions options;
  EXPECT_FALSE(dns::Judge(options).wanted().answer);
  options.authority.fail_if_matches = {"x"};
  EXPECT_TRUE(dns::Judge(options).wanted().authority);
  EXPECT_FALSE(dns::Judge(options).wanted().answer);
}

TEST(DnsJudge, ChecksOptions) {
  DnsOptions options;
  options.query_name = "a.test";
  EXPECT_TRUE(check_dns(options));
  options.query_name = "a..test";
  EXPECT_FALSE(check_dns(options));
  options.query_name = "a.test";
  options.additional.fail_if_matches = {"("};
  EXPECT_FALSE(check_dns(options));
  EXPECT_THROW(dns::Judge{options}, std::invalid_argument);
}

TEST(DnsNames, AreKnown) {
  EXPECT_EQ(dns_number(dns_types, "MX"), 15);
  EXPECT_EQ(dns_number(dns_classes, "CH"), 3);
  EXPECT_EQ(dns_number(dns_rcodes, "NXDOMAIN"), 3);
  EXPECT_EQ(dns_number(dns_types, "mx"), std::nullopt);
}

}  // namespace
}  // namespace tocsin::probes
