// Replies, rounds of questions, what errors mean: the parts of the Redis probe that need no network.
#include "redis/resp.hpp"

#include <gtest/gtest.h>

#include <array>

#include "probes/redis_texts.hpp"
#include "redis/config.hpp"
#include "redis/idle_limit.hpp"
#include "redis/refusal.hpp"
#include "redis/round.hpp"
#include "redis/scrape.hpp"

namespace tocsin::probes::redis {
namespace {

using core::Outcome;
using namespace std::chrono_literals;

TEST(RedisReply, ReadsEachKindInAnyPieces) {
  const std::string stream = "+OK\r\n-ERR no\r\n:5\r\n$-1\r\n$5\r\na\r\nbc\r\n*2\r\n$1\r\na\r\n+b\r\n*0\r\n*-1\r\n";
  for (const std::size_t piece : {std::size_t{1}, std::size_t{2}, std::size_t{7}, stream.size()}) {
    ReplyReader reader(1000);
    std::vector<Reply::Kind> kinds;
    std::vector<std::string> texts;
    for (std::size_t at = 0; at < stream.size(); at += piece) {
      ASSERT_TRUE(reader.feed(std::string_view(stream).substr(at, piece)));
      while (true) {
        const auto reply = reader.next();
        ASSERT_TRUE(reply);
        if (!*reply) break;
        kinds.push_back((*reply)->kind());
        texts.emplace_back((*reply)->text());
        for (const auto element : **reply) texts.back() += "[" + std::string(element.text()) + "]";
      }
    }
    using enum Reply::Kind;
    EXPECT_EQ(kinds, (std::vector{status, error, integer, nil, text, list, list, nil}));
    EXPECT_EQ(texts, (std::vector<std::string>{"OK", "ERR no", "", "", "a\r\nbc", "[a][b]", "", ""}));
    EXPECT_EQ(reader.pending(), 0U);
  }
}

TEST(RedisReply, RefusesALengthBeforeItComes) {
  for (const std::string_view start : {"$1000000000\r\n", "*2\r\n$1\r\na\r\n$1001\r\nx", "*1000000000\r\n"}) {
    ReplyReader reader(1000);
    ASSERT_TRUE(reader.feed(start));
    const auto reply = reader.next();
    ASSERT_FALSE(reply) << start;
    EXPECT_EQ(reply.error().outcome, Outcome::limit) << start;
  }
  ReplyReader reader(1000);
  ASSERT_TRUE(reader.feed("$1000\r\n"));
  EXPECT_TRUE(reader.next());
}

TEST(RedisReply, BoundsManySmallParts) {
  ReplyReader reader(1000);
  std::string reply = "*1000\r\n";
  for (int i = 0; i < 1000; ++i) reply += "$3\r\nabc\r\n";
  bool refused = false;
  for (std::size_t at = 0; at < reply.size() && !refused; at += 100) {
    const auto fed = reader.feed(std::string_view(reply).substr(at, 100));
    refused = !fed || !reader.next();
  }
  EXPECT_TRUE(refused);
}

TEST(RedisReply, RefusesWhatIsNoRedis) {
  for (const std::string_view text : {"HTTP/1.1 400 Bad Request\r\n", "\x15\x03\x01\x02", "%1\r\n+a\r\n+b\r\n",
                                      "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n", "$abc\r\n",
                                      "$99999999999999999999\r\n", "*1\r\nx\r\n"}) {
    ReplyReader reader(1000);
    ASSERT_TRUE(reader.feed(text));
    const auto reply = reader.next();
    ASSERT_FALSE(reply) << text;
    EXPECT_EQ(reply.error().outcome, Outcome::protocol) << text;
  }
}

TEST(RedisReply, IsATree) {
  const std::string stream = "*3\r\n$1\r\na\r\n*4\r\n+calls\r\n:5\r\n$4\r\nmore\r\n*2\r\n*0\r\n:-7\r\n$3\r\n1.5\r\n";
  ReplyReader reader(1000);
  ASSERT_TRUE(reader.feed(stream));
  const auto next = reader.next();
  ASSERT_TRUE(next && *next);
  const Reply reply = **next;
  ASSERT_EQ(reply.size(), 3U);
  EXPECT_EQ(reply[0].text(), "a");
  EXPECT_EQ(reply[1].get("calls").number(), 5);
  EXPECT_EQ(reply[1].get("more")[1].number(), -7);
  EXPECT_TRUE(reply[1].get("more")[0].is_list());
  EXPECT_EQ(reply[1].get("more")[0].size(), 0U);
  EXPECT_EQ(reply[1].get("5").kind(), Reply::Kind::nil) << "a value is no name";
  EXPECT_EQ(reply[2].number(), 1.5);
  EXPECT_EQ(reply[3].kind(), Reply::Kind::nil);
  EXPECT_EQ(reply[3][4].get("x").number(), std::nullopt);
}

/// Hears what a round brings.
struct Heard final : Answers {
  void answered(Questions::Asked asked, const Reply& reply) override {
    answers.push_back(std::string(to_string(asked.what)) + "=" + std::string(reply.text()));
    if (asked.what == Question::config) config.learn(reply);
  }
  void refused(Questions::Asked asked, std::string_view error) override {
    refusals.push_back(std::string(to_string(asked.what)) + ": " + std::string(error));
  }
  std::vector<std::string> answers, refusals;
  ConfigReader config{core::Labels{}};
};

struct Conversation {
  explicit Conversation(const std::vector<Question>& wanted, const Credentials& credentials = {}) {
    auto questions = std::make_shared<Questions>(names);
    if (!credentials.empty()) questions->auth(credentials);
    for (const Question question : wanted) questions->ask(question);
    round = std::make_unique<Round>(std::move(questions), heard, 1000);
  }
  CommandNames names;
  Heard heard;
  std::unique_ptr<Round> round;
};

core::Result<void> play(Round& round, std::string_view text) {
  while (!text.empty()) {
    const auto part = text.substr(0, round.space().size());
    std::ranges::copy(part, round.space().begin());
    if (auto taken = round.take(part.size()); !taken) return taken;
    text.remove_prefix(part.size());
  }
  return {};
}

TEST(RedisRound, AsksAllInOneGo) {
  const CommandNames names{{"cluster", "c7"}};
  auto questions = std::make_shared<Questions>(names);
  questions->auth({"tocsin", core::Secret("s3cret")});
  questions->select(2);
  questions->ask(Question::slowlog_get);
  questions->ask(Question::cluster);
  questions->ask(Question::sentinel_quorum, "mymaster", 0);
  questions->ask(Question::info);
  EXPECT_EQ(questions->request(),
            "*3\r\n$4\r\nAUTH\r\n$6\r\ntocsin\r\n$6\r\ns3cret\r\n*2\r\n$6\r\nSELECT\r\n$1\r\n2\r\n"
            "*3\r\n$7\r\nSLOWLOG\r\n$3\r\nGET\r\n$1\r\n1\r\n*2\r\n$2\r\nc7\r\n$4\r\nINFO\r\n"
            "*3\r\n$8\r\nSENTINEL\r\n$8\r\nCKQUORUM\r\n$8\r\nmymaster\r\n*2\r\n$4\r\nINFO\r\n$3\r\nALL\r\n");
  Heard heard;
  Round round(questions, heard, 1000);
  ASSERT_TRUE(play(round, "+OK\r\n+OK\r\n*0\r\n$5\r\na:1\r\n\r\n-NOQUORUM one\r\n"));
  EXPECT_FALSE(round.done());
  ASSERT_TRUE(play(round, "$5\r\nb:2\r\n\r\n"));
  EXPECT_TRUE(round.done());
  EXPECT_EQ(heard.answers, (std::vector<std::string>{"SLOWLOG GET=", "CLUSTER INFO=a:1\r\n"}));
  EXPECT_EQ(heard.refusals, std::vector<std::string>{"SENTINEL CKQUORUM: NOQUORUM one"});
  EXPECT_EQ(round.info_text(), "b:2\r\n");
}

TEST(RedisRound, AuthWithoutAUserIsOfTwoWords) {
  const CommandNames names;
  Questions questions(names);
  questions.auth({"", core::Secret("p")});
  EXPECT_EQ(questions.request(), "*2\r\n$4\r\nAUTH\r\n$1\r\np\r\n");
}

TEST(RedisRound, GoesOnWithoutConfigAndCluster) {
  Conversation talk({Question::config, Question::cluster, Question::info});
  ASSERT_TRUE(play(
      *talk.round,
      "-NOPERM this user has no permissions to run the 'config|get' command\r\n-ERR unknown command\r\n$3\r\na:1\r\n"));
  EXPECT_EQ(talk.heard.refusals.size(), 2U);
  EXPECT_TRUE(talk.heard.answers.empty());
  EXPECT_EQ(talk.round->info_text(), "a:1");
}

TEST(RedisRound, TakesWhateverConfigGivesForNothing) {
  for (const std::string_view reply : {"*0\r\n", "$-1\r\n", "*-1\r\n", ":0\r\n", "*1\r\n*0\r\n"}) {
    Conversation talk({Question::config, Question::info});
    ASSERT_TRUE(play(*talk.round, std::string(reply) + "$3\r\na:1\r\n")) << reply;
    EXPECT_EQ(talk.heard.answers.size(), 1U);
    EXPECT_EQ(talk.heard.config.databases(), 0U);
  }
}

TEST(RedisRound, NamesWhatWentWrong) {
  struct Case {
    std::string_view reply;
    Outcome outcome;
    core::Phase phase;
  };
  constexpr Case cases[] = {
      {"-NOAUTH Authentication required.\r\n", Outcome::auth, core::Phase::auth},
      {"-ERR max number of clients reached\r\n", Outcome::throttled, core::Phase::query},
      {"-LOADING Redis is loading the dataset in memory\r\n", Outcome::throttled, core::Phase::query},
      {"-BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.\r\n",
       Outcome::throttled, core::Phase::query},
      {"-NOPERM this user has no permissions to run the 'info' command\r\n", Outcome::refused_command,
       core::Phase::query},
      {"-ERR unknown command 'INFO'\r\n", Outcome::refused_command, core::Phase::query},
      {"-DENIED Redis is running in protected mode because protected mode is enabled\r\n", Outcome::auth,
       core::Phase::auth},
      {":1\r\n", Outcome::protocol, core::Phase::parse},
      {"$-1\r\n", Outcome::protocol, core::Phase::parse},
      {"*1\r\n+x\r\n", Outcome::protocol, core::Phase::parse},
      {"SSH-2.0-OpenSSH_9.2\r\n", Outcome::protocol, core::Phase::parse},
      {"$3\r\na:1\r\n+more\r\n", Outcome::protocol, core::Phase::parse},
      {"$2000\r\n", Outcome::limit, core::Phase::receive},
  };
  for (const Case& c : cases) {
    Conversation talk({Question::info});
    const auto result = play(*talk.round, c.reply);
    ASSERT_FALSE(result) << c.reply;
    EXPECT_EQ(result.error().outcome, c.outcome) << c.reply;
    EXPECT_EQ(result.error().phase, c.phase) << c.reply;
    EXPECT_FALSE(result.error().detail.empty());
  }
}

TEST(RedisRound, AConfigThatIsTurnedAwayTurnsTheProbeAway) {
  for (const auto& [text, outcome] : {std::pair{"-ERR max number of clients reached\r\n", Outcome::throttled},
                                      std::pair{"-NOAUTH Authentication required.\r\n", Outcome::auth}}) {
    Conversation talk({Question::config, Question::info});
    const auto result = play(*talk.round, text);
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().outcome, outcome);
    EXPECT_TRUE(talk.heard.refusals.empty());
  }
}

TEST(RedisRound, SaysWhichQuestionWasNotAnswered) {
  Conversation first({Question::info}, {"", core::Secret("p")});
  const core::Failure late{Outcome::timeout, core::Phase::none, "x"};
  EXPECT_EQ(first.round->broken(late).phase, core::Phase::auth);
  ASSERT_TRUE(play(*first.round, "+OK\r\n"));
  EXPECT_EQ(first.round->broken(late).phase, core::Phase::receive);
  EXPECT_EQ(first.round->broken(late).detail, "no answer to INFO before the deadline");
  Conversation second({Question::info});
  EXPECT_EQ(second.round->broken(late).phase, core::Phase::query);
}

TEST(RedisRefusal, NeverShowsThePassword) {
  const std::string password = "hunter2";
  const std::string_view errors[] = {
      "ERR unknown command `AUTH`, with args beginning with: `hunter2`, ",
      "ERR unknown command 'AUTH', with args beginning with: 'hunt",
      "WRONGPASS invalid hunter2",
  };
  for (const auto error : errors) {
    const auto failure = refusal(Question::auth, error, password);
    EXPECT_EQ(failure.outcome, Outcome::auth);
    EXPECT_EQ(failure.detail.find("hunt"), std::string::npos) << failure.detail;
  }
}

TEST(RedisRefusal, SaysWhatToDoAboutAPasswordThatNobodyWants) {
  const auto failure =
      refusal(Question::auth,
              "ERR AUTH <password> called without any password configured for the default user. Are you sure "
              "your configuration is correct?",
              "p");
  EXPECT_EQ(failure.outcome, Outcome::auth);
  EXPECT_NE(failure.detail.find("the server has none"), std::string::npos);
}

test::Values append(ConfigReader& config, const InfoReader::Facts& given) {
  core::SeriesTable table;
  table.begin();
  config.append(table, given);
  return test::values(table, table.take());
}

TEST(RedisConfig, BecomesSamples) {
  ConfigReader config(core::Labels{{"job", "j"}});
  const std::vector<std::string> reply{"maxmemory",
                                       "100",
                                       "maxclients",
                                       "50",
                                       "databases",
                                       "4",
                                       "io-threads",
                                       "2",
                                       "maxmemory-policy",
                                       "noeviction",
                                       "client-output-buffer-limit",
                                       "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
                                       "commandlog-slow-execution-max-len",
                                       "128",
                                       "odd"};
  std::string bytes = "*" + std::to_string(reply.size()) + "\r\n";
  for (const std::string& text : reply) bytes += "$" + std::to_string(text.size()) + "\r\n" + text + "\r\n";
  ReplyReader reader(10'000);
  ASSERT_TRUE(reader.feed(bytes));
  const auto learnt = reader.next();
  ASSERT_TRUE(learnt && *learnt);
  config.learn(**learnt);
  EXPECT_EQ(config.databases(), 4U);
  const auto all = append(config, {});
  EXPECT_EQ(all.at(R"(redis_config_maxmemory{job="j"})"), 100);
  EXPECT_EQ(all.at(R"(redis_config_maxclients{job="j"})"), 50);
  EXPECT_EQ(all.at(R"(redis_config_io_threads{job="j"})"), 2);
  EXPECT_EQ(all.at(R"(redis_commandlog_slow_execution_max_len{job="j"})"), 128);
  EXPECT_EQ(all.at(R"(redis_config_client_output_buffer_limit_bytes{class="slave", job="j", limit="hard"})"),
            268435456);
  EXPECT_EQ(all.at(R"(redis_config_client_output_buffer_limit_bytes{class="pubsub", job="j", limit="soft"})"), 8388608);
  EXPECT_EQ(all.at(R"(redis_config_client_output_buffer_limit_overcome_seconds{class="slave", job="j", limit="soft"})"),
            60);
  EXPECT_EQ(all.size(), 13U);
  InfoReader::Facts given;
  given.maxclients = given.maxmemory = true;
  EXPECT_EQ(append(config, given).size(), 11U) << "what INFO gave is not given twice";
  config.forget();
  EXPECT_TRUE(append(config, {}).empty());
}

TEST(RedisScrape, CountsAndNamesTheClassOfFailure) {
  ScrapeMetrics scrape{core::Labels{}};
  core::SeriesTable table;
  const auto round = [&](Outcome outcome, std::chrono::nanoseconds took) {
    table.begin();
    scrape.append(table, outcome, took, 10ms);
    return test::values(table, table.take());
  };
  auto found = round(Outcome::ok, 500ms);
  EXPECT_EQ(found.at("redis_up"), 1);
  EXPECT_EQ(found.at("redis_exporter_last_scrape_error"), 0);
  EXPECT_EQ(found.at("redis_exporter_last_scrape_duration_seconds"), 0.5);
  EXPECT_EQ(found.at("redis_exporter_last_scrape_connect_time_seconds"), 0.01);
  found = round(Outcome::timeout, 1s);
  EXPECT_EQ(found.at("redis_up"), 0);
  EXPECT_EQ(found.at(R"(redis_exporter_last_scrape_error{err="timeout"})"), 1);
  EXPECT_FALSE(found.contains("redis_exporter_last_scrape_error"));
  EXPECT_EQ(found.at("redis_exporter_scrapes_total"), 2);
  EXPECT_EQ(found.at("redis_exporter_scrape_duration_seconds_sum"), 1.5);
  EXPECT_EQ(found.at("redis_exporter_scrape_duration_seconds_count"), 2);
  found = round(Outcome::auth, 1s);
  EXPECT_EQ(found.at(R"(redis_exporter_last_scrape_error{err="auth"})"), 1);
  EXPECT_EQ(round(Outcome::ok, 1s).at("redis_exporter_last_scrape_error"), 0);
}

TEST(RedisIdleLimit, IsLearntFromTwoClosesOfTheSameAge) {
  const core::Deadline start{};
  IdleLimit limit;
  EXPECT_TRUE(limit.outlives(1h, start));
  limit.closed_after(10s, start);
  EXPECT_TRUE(limit.outlives(15s, start)) << "one close may be a restart";
  limit.closed_after(10500ms, start);
  EXPECT_FALSE(limit.outlives(15s, start));
  EXPECT_FALSE(limit.outlives(9500ms, start)) << "given up before it";
  EXPECT_TRUE(limit.outlives(5s, start));
  EXPECT_TRUE(limit.outlives(15s, start + 2h)) << "forgotten after a while";
  IdleLimit other;
  other.closed_after(3s, start);
  other.closed_after(300s, start);
  EXPECT_TRUE(other.outlives(200s, start)) << "two accidents are no limit";
}

}  // namespace
}  // namespace tocsin::probes::redis
