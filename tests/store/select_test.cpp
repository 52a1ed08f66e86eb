// What `select` finds, against asking every matcher about every series.
#include <algorithm>
#include <random>
#include <set>

#include "store/helpers.hpp"

namespace tocsin::store::test {
namespace {

using Kind = Matcher::Kind;

std::set<Labels> found(const View& view, const std::vector<Matcher>& matchers) {
  std::set<Labels> out;
  const auto ids = view.select(matchers);
  EXPECT_TRUE(std::is_sorted(ids.begin(), ids.end()));
  for (const auto id : ids) EXPECT_TRUE(out.insert(view.labels(id)).second) << "twice";
  return out;
}

TEST(Select, TellsLabelsApart) {
  Store store{Limits{}};
  const auto block = store.open_block("b");
  const Labels up_a{{"__name__", "up"}, {"instance", "a"}};
  const Labels up_b{{"__name__", "up"}, {"instance", "b"}, {"role", "replica"}};
  const Labels keys{{"__name__", "keys"}, {"instance", "a"}, {"db", "0"}};
  store.append(block, at(0), batch({{0, up_a}, {1, up_b}, {2, keys}}, {{0, 1}, {1, 1}, {2, 1}}));
  struct Case {
    std::vector<Matcher> matchers;
    std::set<Labels> expected;
  };
  const std::vector<Case> cases = {
      {{}, {up_a, up_b, keys}},
      {{{Kind::equal, "__name__", "up"}}, {up_a, up_b}},
      {{{Kind::equal, "__name__", "up"}, {Kind::equal, "instance", "a"}}, {up_a}},
      {{{Kind::equal, "__name__", "nothing"}}, {}},
      {{{Kind::equal, "nothing", "x"}}, {}},
      {{{Kind::equal, "role", ""}}, {up_a, keys}},
      {{{Kind::not_equal, "role", ""}}, {up_b}},
      {{{Kind::not_equal, "role", "replica"}}, {up_a, keys}},
      {{{Kind::not_equal, "nothing", "x"}}, {up_a, up_b, keys}},
      {{{Kind::regex, "__name__", "up|keys"}, {Kind::regex, "db", ".+"}}, {keys}},
      {{{Kind::regex, "db", ".*"}}, {up_a, up_b, keys}},
      {{{Kind::regex, "instance", "a|b"}}, {up_a, up_b, keys}},
      {{{Kind::not_regex, "instance", "a|c"}}, {up_b}},
      {{{Kind::not_regex, "db", ".+"}}, {up_a, up_b}},
      {{{Kind::equal, "__name__", "up"}, {Kind::not_regex, "role", "rep.*"}}, {up_a}},
      {{{Kind::equal, "instance", "a"}, {Kind::equal, "instance", "b"}}, {}},
  };
  for (const auto& c : cases) {
    std::string what;
    for (const auto& matcher : c.matchers) what += matcher.to_string() + " ";
    EXPECT_EQ(found(store.live(), c.matchers), c.expected) << what;
  }
}

class Model {
 public:
  explicit Model(std::uint64_t seed) : random_(seed) {}

  Labels labels() {
    Labels out{{"__name__", "m" + word(20)}};
    for (const auto* name : {"instance", "job", "db", "zz"}) {
      if (random_() % 3 != 0) out.set(name, word(12));
    }
    return out;
  }
  std::vector<Matcher> matchers() {
    static const std::vector<std::string> names = {"__name__", "instance", "job", "db", "zz", "none"};
    static const std::vector<std::string> values = {"", "m1", "m7", "1", "2", "10", "99"};
    static const std::vector<std::string> expressions = {".*", ".+", "m1.*", "1|2|3", "[0-4]", "", "m(2|5)?", "x"};
    std::vector<Matcher> out;
    const auto count = random_() % 4;
    for (std::size_t i = 0; i < count; ++i) {
      const auto kind = static_cast<Kind>(random_() % 4);
      const bool plain = kind == Kind::equal || kind == Kind::not_equal;
      out.emplace_back(kind, pick(names), plain ? pick(values) : pick(expressions));
    }
    return out;
  }
  std::uint64_t operator()(std::uint64_t below) { return random_() % below; }

 private:
  std::string word(std::uint64_t below) { return std::to_string(random_() % below); }
  const std::string& pick(const std::vector<std::string>& of) { return of[random_() % of.size()]; }
  std::mt19937_64 random_;
};

// Series come in many small lots, so that parts are merged, and go again, so that some are hidden and the rest numbered
// anew.
TEST(Select, FindsWhatAskingOneByOneFinds) {
  Model model(3);
  Store store{Limits{}};
  const auto block = store.open_block("b");
  core::Slot next = 0;
  std::set<Labels> known;
  std::vector<std::pair<core::Slot, Labels>> live;
  double time = 0;
  for (int round = 0; round < 60; ++round) {
    core::Batch rows;
    const auto fresh = model(round % 10 == 0 ? 120 : 8);
    for (std::uint64_t i = 0; i < fresh; ++i) {
      const auto labels = model.labels();
      if (known.insert(labels).second) {
        rows.fresh.push_back({next, labels});
        live.emplace_back(next++, labels);
      }
    }
    if (round == 40) live.erase(live.begin(), live.begin() + static_cast<std::ptrdiff_t>(live.size() / 2));
    for (const auto& [slot, labels] : live) rows.rows.push_back({slot, 1});
    store.append(block, at(time += 200), rows);
    store.maintain(at(time));
    if (round >= 40 && round < 55) continue;  // until what went at 40 is out of retention
    if (round == 55) {
      known.clear();
      for (const auto& [slot, labels] : live) known.insert(labels);
    }
    const auto view = store.live();
    for (int i = 0; i < 20; ++i) {
      const auto matchers = model.matchers();
      std::set<Labels> expected;
      std::copy_if(known.begin(), known.end(), std::inserter(expected, expected.end()),
                   [&](const Labels& labels) { return core::matches_all(matchers, labels); });
      std::string what;
      for (const auto& matcher : matchers) what += matcher.to_string() + " ";
      ASSERT_EQ(found(view, matchers), expected) << what << " in round " << round;
    }
  }
}

TEST(Select, SnapshotsAreAsPublished) {
  Store store{Limits{}};
  const auto block = store.open_block("b");
  store.append(block, at(0), batch({{0, named("x")}}, {{0, 1}}));
  EXPECT_TRUE(store.snapshot().select({}).empty());
  store.publish();
  const auto view = store.snapshot();
  EXPECT_EQ(text(view, only(view, "x")), "0=1");
  store.append(block, at(10), batch({{1, named("y")}}, {{0, 2}, {1, 2}}));
  EXPECT_EQ(text(view, only(view, "x")), "0=1 10=2") << "samples are those of the moment of reading";
  EXPECT_EQ(store.snapshot().select({}).size(), 1U);
  store.publish();
  EXPECT_EQ(store.snapshot().select({}).size(), 2U);
  EXPECT_EQ(store.snapshot().generation(), store.live().generation());
}

TEST(Select, ViewsOutliveTheStore) {
  auto store = std::make_unique<Store>(Limits{});
  const auto block = store->open_block("b");
  store->append(block, at(0), batch({{0, named("x")}}, {{0, 1}}));
  store->publish();
  const auto view = store->snapshot();
  store.reset();
  EXPECT_EQ(text(view, only(view, "x")), "0=1");
}

}  // namespace
}  // namespace tocsin::store::test
