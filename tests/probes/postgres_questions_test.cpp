// What is asked, and what becomes of answers, without a server.
#include "postgres/questions.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace tocsin::probes::postgres {
namespace {

using namespace std::chrono_literals;
using ::testing::HasSubstr;
using ::testing::Not;

/// One that asks `name_ATTEMPT` and gives the metric `name`.
class Fake final : public Collector {
 public:
  explicit Fake(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] std::string_view name() const override { return name_; }
  [[nodiscard]] Scope scope() const override { return in_databases ? Scope::database : Scope::server; }
  [[nodiscard]] std::optional<std::string> query(const ServerInfo& server, unsigned attempt) const override {
    if (attempt >= attempts) return std::nullopt;
    return "SELECT " + name_ + "_" + std::to_string(attempt) + (server.in_recovery ? "_standby" : "");
  }
  [[nodiscard]] bool read(const Rows& rows, const ServerInfo& /*server*/, Samples& samples) const override {
    if (rows.empty()) return false;
    samples.add(name_, rows.number(0, 0).value_or(-1));
    return true;
  }
  [[nodiscard]] std::chrono::seconds every() const override { return interval; }
  [[nodiscard]] bool alone() const override { return by_itself; }

  unsigned attempts = 2;
  bool in_databases = false;
  bool by_itself = false;
  std::chrono::seconds interval{0};

 private:
  std::string name_;
};

class QuestionsTest : public testing::Test {
 protected:
  Fake& add(const std::string& name) {
    auto made = std::make_unique<Fake>(name);
    Fake& fake = *made;
    collectors_.push_back(std::move(made));
    return fake;
  }
  void begin(bool fresh = false, bool light = false) {
    if (!questions_) questions_.emplace(collectors_, Questions::Place::main, "postgres");
    at_ += 15s;
    table_.begin();
    samples_.begin(table_);
    questions_->begin(at_, fresh, samples_, light);
  }
  std::string message(bool in_failed_block = false) {
    return questions_->message(server_, {1000ms, 100ms}, in_failed_block).value_or("(nothing)");
  }
  void done() { questions_->take(nullptr, nullptr, 1ms, server_, samples_); }
  void greet(const std::string& recovery = "f", const std::string& version = "150004") {
    const auto owned =
        make_rows({"a", "b", "c", "version", "num", "rec", "db", "user", "pid"},
                  {{"1", "1", "1", "PostgreSQL 15.4 (Debian 15.4-1) on x", version, recovery, "app", "mon", "77"}});
    questions_->take(&owned.rows, nullptr, 1ms, server_, samples_);
  }
  void rows(const std::string& value) {
    const auto owned = make_rows({"v"}, {{value}});
    questions_->take(&owned.rows, nullptr, 1ms, server_, samples_);
  }
  void error(const std::string& state) {
    const SqlError said{state, "said so"};
    questions_->take(nullptr, &said, 1ms, server_, samples_);
  }
  void enter() {
    done();
    greet();
  }
  const Turn& turn(std::size_t number) { return questions_->turns()[number]; }
  std::vector<double> given() {
    std::vector<double> values;
    for (const auto& row : table_.take().rows) values.push_back(row.value);
    return values;
  }

  Collectors collectors_;
  std::optional<Questions> questions_;
  core::SeriesTable table_;
  Samples samples_{core::Labels()};
  ServerInfo server_ = [] {
    ServerInfo info;
    info.version_num = 150004;
    return info;
  }();
  core::TimePoint at_ = core::from_millis(1'800'000'000'000);
};

TEST_F(QuestionsTest, AsksAllInOneMessage) {
  add("one");
  add("two");
  begin();
  const std::string sql = message();
  EXPECT_THAT(sql, testing::StartsWith("BEGIN READ ONLY;SELECT pg_catalog.set_config('statement_timeout','1000',true),"
                                       "pg_catalog.set_config('lock_timeout','100',true),"
                                       "pg_catalog.set_config('client_connection_check_interval','250',true),"));
  EXPECT_THAT(sql, HasSubstr(";\nSELECT one_0;\nSELECT two_0\n;COMMIT"));
  enter();
  rows("1");
  rows("2");
  done();
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
  EXPECT_TRUE(questions_->answered());
  EXPECT_EQ(server_.short_version, "15.4.0");
  EXPECT_EQ(server_.database, "app");
  EXPECT_EQ(server_.backend_pid, 77);
  EXPECT_THAT(given(), testing::ElementsAre(1, 2));
}

TEST_F(QuestionsTest, AVersionThatNoServerHasIsNone) {
  add("one");
  for (const std::string version : {"30041111104", "-1e300", "NaN", "many"}) {
    begin();
    static_cast<void>(message());
    done();
    greet("f", version);
    EXPECT_EQ(server_.version_num, 0) << version;
  }
}

TEST_F(QuestionsTest, GreetsFirstWhereTheServerIsSick) {
  add("one");
  begin(false, true);
  EXPECT_THAT(message(), Not(HasSubstr("one_0")));
  enter();
  done();
  questions_->finish();
  EXPECT_THAT(message(), HasSubstr("one_0"));
  done();
  done();
  rows("1");
  done();
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
  EXPECT_THAT(given(), testing::ElementsAre(1));
}

TEST_F(QuestionsTest, GoesOnBehindAFailure) {
  add("one").attempts = 1;
  add("two");
  begin();
  static_cast<void>(message());
  enter();
  error("57014");
  questions_->finish();
  const std::string sql = message(true);
  EXPECT_THAT(sql, testing::StartsWith("ROLLBACK;BEGIN READ ONLY;"));
  EXPECT_THAT(sql, Not(HasSubstr("one_0")));
  EXPECT_THAT(sql, Not(HasSubstr("version()")));
  done();  // ROLLBACK
  enter();
  rows("2");
  done();
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
  EXPECT_FALSE(turn(0).success);
  EXPECT_THAT(turn(0).failure, HasSubstr("said so"));
  EXPECT_TRUE(turn(1).success);
  // Who was too slow comes last from now on.
  begin();
  EXPECT_THAT(message(), HasSubstr(";\nSELECT two_0;\nSELECT one_0\n;COMMIT"));
}

TEST_F(QuestionsTest, EndsAFailedBlockAlsoWhereNothingIsLeft) {
  add("one").attempts = 1;
  begin();
  static_cast<void>(message());
  enter();
  error("57014");
  questions_->finish();
  EXPECT_EQ(message(true), "ROLLBACK;");
  done();
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
}

TEST_F(QuestionsTest, AsksInAnotherWayAndRemembersIt) {
  add("one");
  begin();
  static_cast<void>(message());
  enter();
  error("42703");
  questions_->finish();
  EXPECT_THAT(message(true), HasSubstr("SELECT one_1"));
  done();
  enter();
  rows("1");
  done();
  questions_->finish();
  EXPECT_TRUE(turn(0).success);
  begin();
  EXPECT_THAT(message(), HasSubstr("SELECT one_1"));
  begin(true);
  EXPECT_THAT(message(), HasSubstr("SELECT one_0"));
}

TEST_F(QuestionsTest, AsksSeldomForWhatIsMissing) {
  add("one").attempts = 1;
  add("two");
  begin();
  static_cast<void>(message());
  enter();
  error("42501");
  questions_->finish();
  EXPECT_THAT(message(true), HasSubstr("two_0"));
  for (int i = 0; i < 3; ++i) {
    begin();
    EXPECT_THAT(message(), Not(HasSubstr("one_0")));
    EXPECT_FALSE(turn(0).success);
  }
  at_ += 60s;
  begin();
  EXPECT_THAT(message(), HasSubstr("one_0"));
}

TEST_F(QuestionsTest, CountsWhatAServerDoesNotHaveAsWell) {
  add("one").attempts = 0;
  add("two");
  begin();
  EXPECT_THAT(message(), HasSubstr("SELECT two_0\n;COMMIT"));
  EXPECT_TRUE(turn(0).success);
}

TEST_F(QuestionsTest, GivesLastValuesBetweenQuestions) {
  add("one").interval = 60s;
  begin();
  static_cast<void>(message());
  enter();
  rows("5");
  done();
  questions_->finish();
  static_cast<void>(given());
  begin();
  EXPECT_THAT(message(), Not(HasSubstr("one_0")));
  EXPECT_THAT(given(), testing::ElementsAre(5));
  at_ += 60s;
  begin();
  EXPECT_THAT(message(), HasSubstr("one_0"));
}

TEST_F(QuestionsTest, AsksAgainWhereTheServerIsNotWhatItWas) {
  add("one");
  begin();
  static_cast<void>(message());
  done();
  greet("t");
  rows("1");  // of a question for a primary
  done();
  questions_->finish();
  EXPECT_THAT(message(), HasSubstr("one_0_standby"));
  enter();
  rows("2");
  done();
  questions_->finish();
  EXPECT_THAT(given(), testing::ElementsAre(2));
}

TEST_F(QuestionsTest, AsksOneByOneWhereAMessageIsNotUnderstood) {
  add("one");
  add("two");
  begin();
  static_cast<void>(message());
  error("42601");
  questions_->finish();
  EXPECT_THAT(message(), HasSubstr("SELECT one_0\n;COMMIT"));
  enter();
  rows("1");
  done();
  questions_->finish();
  EXPECT_THAT(message(), HasSubstr("SELECT two_0\n;COMMIT"));
  error("42601");
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
  EXPECT_TRUE(turn(0).success);
  EXPECT_FALSE(turn(1).success);
  EXPECT_FALSE(questions_->refused());
}

TEST_F(QuestionsTest, LeavesOutWhatAServerDoesNotTake) {
  add("one");
  begin();
  static_cast<void>(message());
  done();
  error("22023");
  questions_->finish();
  EXPECT_THAT(message(true), Not(HasSubstr("client_connection_check_interval")));
  done();
  done();
  error("42501");
  questions_->finish();
  ASSERT_TRUE(questions_->refused());
  EXPECT_EQ(questions_->refused()->state, "42501");
  EXPECT_EQ(message(), "(nothing)");
}

TEST_F(QuestionsTest, SendsWhatOthersWroteByItself) {
  add("one");
  add("own").by_itself = true;
  add("two");
  begin();
  EXPECT_THAT(message(), HasSubstr("SELECT one_0;\nSELECT two_0\n;COMMIT"));
  enter();
  rows("1");
  rows("2");
  done();
  questions_->finish();
  EXPECT_THAT(message(), HasSubstr("SELECT own_0\n;COMMIT"));
  enter();
  done();  // a statement before the table
  rows("3");
  done();
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
  EXPECT_THAT(given(), testing::ElementsAre(1, 2, 3));
}

TEST_F(QuestionsTest, NeverAsksForEver) {
  add("one");
  begin();
  static_cast<void>(message());
  questions_->finish();
  ASSERT_TRUE(questions_->refused());
  EXPECT_EQ(message(), "(nothing)");
  begin();
  static_cast<void>(message());
  done();
  questions_->take(nullptr, nullptr, 1ms, server_, samples_);  // no greeting
  questions_->finish();
  EXPECT_TRUE(questions_->refused());
  begin();
  static_cast<void>(message());
  enter();
  done();  // no table
  questions_->finish();
  EXPECT_EQ(message(), "(nothing)");
  EXPECT_FALSE(turn(0).success);
}

TEST_F(QuestionsTest, GivesUpWhatIsLeft) {
  add("one");
  add("two");
  add("three");
  begin();
  static_cast<void>(message());
  enter();
  rows("1");
  questions_->give_up("too late", samples_);
  EXPECT_TRUE(turn(0).success);
  EXPECT_FALSE(turn(1).success);
  EXPECT_EQ(turn(2).failure, "too late");
  // Who was being asked comes last the next time.
  begin();
  EXPECT_THAT(message(), HasSubstr("SELECT one_0;\nSELECT three_0;\nSELECT two_0\n;COMMIT"));
}

TEST_F(QuestionsTest, AsksInOtherDatabasesWhatTheyAloneKnow) {
  add("one");
  add("two").in_databases = true;
  Questions other(collectors_, Questions::Place::other_database, "app");
  ASSERT_EQ(other.turns().size(), 1U);
  EXPECT_EQ(other.turns()[0].section, "two/app");
}

}  // namespace
}  // namespace tocsin::probes::postgres
