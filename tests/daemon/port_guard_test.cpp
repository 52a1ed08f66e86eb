// Who may use the port.
#include "src/port_guard.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <memory>
#include <thread>

#include "support/run_task.hpp"
#include "tocsin/core/authorization.hpp"

namespace tocsin::daemon {
namespace {

using std::chrono::steady_clock;

constexpr const char* hash_y =
    "$2y$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e";  // of "correct horse", at the lowest cost

std::string basic(const std::string& user, const std::string& password) {
  core::SecretSource source;
  source.value = core::Secret(password);
  return *core::authorization({}, user, source);
}

class Guard : public testing::Test {
 protected:
  Guard() { guard_.set_users({{"alice", core::Secret(hash_y)}}); }
  PortGuard::Admission ask(const std::string& authorization) { return loop_.run(guard_.admit(authorization)); }
  test::TestLoop loop_;
  net::BlockingPool pool_{1, 4};
  PortGuard guard_{loop_.loop(), pool_};
};

TEST(Login, IsReadFromTheHeader) {
  const auto login = parse_login("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
  ASSERT_TRUE(login);
  EXPECT_EQ(login->user, "Aladdin");
  EXPECT_EQ(login->password.reveal(), "open sesame");
  EXPECT_EQ(parse_login("bAsIc   QWxhZGRpbjpvcGVuOnNlc2FtZQ==")->password.reveal(), "open:sesame");
  for (const char* const bad : {"", "Basic", "Basic ", "Bearer QWxhZGRpbjpvcGVu", "Basic ????",
                                "Basic QWxhZGRpbg==", "Basic QWxhZGRpbjpvcGVu=", "Basic YToAYg=="}) {
    EXPECT_FALSE(parse_login(bad)) << bad;
  }
  EXPECT_FALSE(parse_login("Basic " + std::string(4096, 'Q'))) << "bounded";
}

TEST(Password, FitsItsHashAlone) {
  // As other tools make them: Apache's htpasswd (2y), OpenBSD (2b), older ones (2a).
  const core::Secret password("correct horse");
  for (const char* const hash : {hash_y, "$2b$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e",
                                 "$2a$04$abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"}) {
    EXPECT_TRUE(password_fits(password, core::Secret(hash))) << hash;
    EXPECT_FALSE(password_fits(core::Secret("correct horsf"), core::Secret(hash))) << hash;
    EXPECT_FALSE(password_fits(core::Secret(""), core::Secret(hash))) << hash;
  }
  // Go's bcrypt made this one, for the exporters.
  EXPECT_TRUE(password_fits(core::Secret("fakepassword"),
                            core::Secret("$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi")));
  EXPECT_FALSE(password_fits(password, core::Secret("*0")));
  EXPECT_FALSE(password_fits(password, core::Secret("correct horse")));
  EXPECT_FALSE(password_fits(password, core::Secret("")));
}

TEST_F(Guard, LetsInWhoKnowsThePassword) {
  const auto admission = ask(basic("alice", "correct horse"));
  EXPECT_FALSE(admission.refusal);
  EXPECT_EQ(admission.user, "alice");
  EXPECT_EQ(guard_.refused(), 0U);
}

TEST_F(Guard, AsksForALoginWithoutCountingItAsABadOne) {
  const auto admission = ask("");
  ASSERT_TRUE(admission.refusal);
  EXPECT_EQ(admission.refusal->status, 401U);
  EXPECT_EQ(net::header(admission.refusal->headers, "WWW-Authenticate").substr(0, 5), "Basic");
  EXPECT_EQ(guard_.refused(), 0U);
}

TEST_F(Guard, IsSlowWithBadLoginsAndCountsThem) {
  unsigned tries = 0;
  for (const std::string& bad : {basic("alice", "wrong"), basic("bob", "correct horse"), std::string("Basic Og=="),
                                 std::string("Bearer x"), basic("alice", hash_y)}) {
    const auto start = steady_clock::now();
    const auto admission = ask(bad);
    ASSERT_TRUE(admission.refusal) << bad;
    EXPECT_EQ(admission.refusal->status, 401U);
    EXPECT_TRUE(admission.user.empty());
    EXPECT_GE(steady_clock::now() - start, PortGuard::slowness);
    EXPECT_EQ(guard_.refused(), ++tries);
  }
}

TEST_F(Guard, RemembersWhatWasGoodUntilTheHashChanges) {
  ASSERT_FALSE(ask(basic("alice", "correct horse")).refusal);
  // A pool that takes no more work: what is known needs none.
  struct Flags {
    std::atomic<bool> busy{false}, go{false}, free{false};
  };
  const auto flags = std::make_shared<Flags>();  // the pool's thread may look at them after the test
  ASSERT_TRUE(pool_.submit([flags] {
    flags->busy = true;
    while (!flags->go) std::this_thread::yield();
  }));
  while (!flags->busy) std::this_thread::yield();
  while (pool_.submit([] {})) {
  }
  EXPECT_FALSE(ask(basic("alice", "correct horse")).refusal);
  const auto other = ask(basic("alice", "another"));
  flags->go = true;
  ASSERT_TRUE(other.refusal);
  EXPECT_EQ(other.refusal->status, 503U) << "who tries many at a time waits";
  while (!pool_.submit([flags] { flags->free = true; })) std::this_thread::yield();
  while (!flags->free) std::this_thread::yield();
  guard_.set_users({{"alice", core::Secret("$2b$04$abcdefghijklmnopqrstuuK3XOwLWbG29C9488n8LSPqOCArRru5u")}});
  const auto after = ask(basic("alice", "correct horse"));
  EXPECT_TRUE(after.refusal) << "the password was changed";
}

}  // namespace
}  // namespace tocsin::daemon
