#include "src/placeholders.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tocsin/actions/argument.hpp"

namespace tocsin::actions {
namespace {

using testing::HasSubstr;

ActionSpec ladder() {
  ActionSpec spec;
  spec.ladder = {"small", "medium", "db.r5+large"};
  spec.allowed = {{"region", {"iad", "fra", "a b", "--all"}}, {"app", {"pbs"}}};
  return spec;
}

ActionSpec count() {
  ActionSpec spec;
  spec.count.emplace();
  spec.count->min = 2;
  spec.count->max = 10;
  return spec;
}

Placeholders values(const std::string& from, const std::string& to) {
  Placeholders filled;
  filled.from = from;
  filled.to = to;
  filled.target = "cache";
  filled.id = "0123abcd";
  filled.key = 7;
  filled.labels = core::Labels{{"alertname", "Full"}, {"region", "fra"}};
  return filled;
}

TEST(PlaceholdersTest, WhatMayBeAnArgument) {
  for (const char* good : {"3", "cache.t3.micro", "a_b:c/d@e+f-g", "0"}) EXPECT_TRUE(may_be_argument(good)) << good;
  for (const char* bad : {"", "-x", "--force", "a b", "a;b", "$(id)", "a\n", "a'b", "`x`", "\xc3\xa9", "a,b", "{to}"})
    EXPECT_FALSE(may_be_argument(bad)) << bad;
  EXPECT_TRUE(may_be_argument(std::string(128, 'a')));
  EXPECT_FALSE(may_be_argument(std::string(129, 'a')));
}

TEST(PlaceholdersTest, AreFilledOnceAndFromLeftToRight) {
  const Placeholders all = values("small", "medium");
  struct Case {
    const char* text;
    const char* filled;
  };
  for (const Case& one : {
           Case{"set", "set"},
           Case{"", ""},
           Case{"--n={to}", "--n=medium"},
           Case{"{target}/{from}-{to}", "cache/small-medium"},
           Case{"{id}:{key}:{label.region}", "0123abcd:7:fra"},
           Case{"{{to}}", "{medium}"},
           Case{R"({"replicas": {to}, "a": {"b": {}}})", R"({"replicas": medium, "a": {"b": {}}})"},
           // What only looks like one stands for itself.
           Case{"{other} {to {} {label.} {label.a-b} {To}", "{other} {to {} {label.} {label.a-b} {To}"},
       }) {
    const auto filled = fill(ladder(), one.text, all);
    ASSERT_TRUE(filled) << one.text << ": " << filled.error().detail;
    EXPECT_EQ(*filled, one.filled);
  }
}

TEST(PlaceholdersTest, InAUrlTheyArePercentEncoded) {
  Placeholders all = values("small", "db.r5+large");
  all.target = "team/cache";
  const auto url = fill_url(ladder(), "https://api.example.com/{target}/scale?to={to}&r={label.region}", all);
  ASSERT_TRUE(url);
  EXPECT_EQ(*url, "https://api.example.com/team%2Fcache/scale?to=db.r5%2Blarge&r=fra");
}

TEST(PlaceholdersTest, EachValueMustFitItsType) {
  struct Case {
    ActionSpec spec;
    std::string text;
    Placeholders values;
    std::string why;
  };
  Placeholders reading;
  reading.target = "cache";
  Placeholders strange = values("2", "3");
  strange.target = "a b";
  Placeholders region = values("small", "medium");
  region.labels = core::Labels{{"region", "ams"}};
  Placeholders spaced = region;
  spaced.labels = core::Labels{{"region", "a b"}};
  Placeholders option = region;
  option.labels = core::Labels{{"region", "--all"}};
  const std::vector<Case> cases{
      {count(), "{to}", values("2", "3"), ""},
      {count(), "{to}", values("2", "2"), ""},
      {count(), "{to}", values("2", "10"), ""},
      {count(), "{to}", values("2", "1"), "{to} would be 1, which is not within 2 and 10"},
      {count(), "{to}", values("2", "11"), "{to} would be 11, which is not within 2 and 10"},
      {count(), "{from}", values("0", "2"), ""},
      {count(), "{from}", values("11", "2"), "{from} would be 11, which is not within 0 and 10"},
      {count(), "{from}", values("-1", "2"), "{from} would be -1, which is not within 0 and 10"},
      {count(), "{to}", values("2", "3x"), "no whole number"},
      {count(), "{to}", values("2", "03"), "no whole number"},
      {count(), "{to}", values("2", "3.0"), "no whole number"},
      {count(), "{to}", values("2", "99999999999999999999"), "no whole number"},
      {count(), "{to}", values("2", "$(id)"), "{to} would be $(id), which is no whole number"},
      {ladder(), "{to}", values("small", "huge"), "{to} would be huge, which is no rung of the ladder"},
      {ladder(), "{from}", values("huge", "small"), "{from} would be huge"},
      {ladder(), "{target}", values("huge", "huge"), ""},
      {count(), "{target}", strange, "{target} may not be a b"},
      {ladder(), "{label.region}", region, "{label.region} would be ams, which `allow` does not list"},
      {ladder(), "{label.region}", spaced, "{label.region} may not be a b"},
      {ladder(), "{label.region}", option, "{label.region} may not be --all"},
      {ladder(), "{label.app}", region, "{label.app} stands for nothing: the alert has no such label"},
      {ladder(), "{label.alertname}", region, "{label.alertname} may not be used: `allow` has no list"},
      {ladder(), "{target}", reading, ""},
      {ladder(), "{to}", reading, "{to} stands for nothing here"},
      {ladder(), "{id}", reading, "{id} stands for nothing here"},
      {ladder(), "{key}", reading, "{key} stands for nothing here"},
  };
  for (const Case& one : cases) {
    SCOPED_TRACE(one.text + " of " + one.values.from + " and " + one.values.to);
    const auto filled = fill(one.spec, one.text, one.values);
    EXPECT_EQ(filled.has_value(), one.why.empty());
    const std::string found = filled ? "" : filled.error().detail;
    EXPECT_THAT(found, HasSubstr(one.why));
    // The gate sees the same, wherever it stands.
    ExecCall exec;
    exec.argv = {"set", one.text};
    HttpCall in_url;
    in_url.url = "http://127.0.0.1/" + one.text;
    HttpCall in_body;
    in_body.url = "http://127.0.0.1/";
    in_body.body = one.text;
    for (const Call& call : {Call(exec), Call(in_url), Call(in_body)}) {
      EXPECT_EQ(unfit(one.spec, call, one.values), found);
    }
  }
}

TEST(PlaceholdersTest, ACallThatCannotBeOneIsUnfit) {
  EXPECT_EQ(unfit(ladder(), ExecCall(), values("small", "medium")), "there is no command");
  HttpCall http;
  http.url = "127.0.0.1/x";
  EXPECT_THAT(unfit(ladder(), http, values("small", "medium")), HasSubstr("the URL is wrong"));
  KubernetesCall scale;
  scale.name = "{label.app}";
  EXPECT_THAT(unfit(count(), scale, values("2", "3")), HasSubstr("{label.app} may not be used"));
  scale.name = "web";
  EXPECT_EQ(unfit(count(), scale, values("2", "3")), "");
  EXPECT_THAT(unfit(count(), scale, values("2", "11")), HasSubstr("not within 2 and 10"));
  EXPECT_EQ(unfit(ladder(), scale, values("small", "medium")), "replicas are a whole number, not medium");
}

}  // namespace
}  // namespace tocsin::actions
